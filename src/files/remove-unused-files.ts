import { and, eq, isNull, lt, notExists, or, sql } from "drizzle-orm";
import { type Context, inTransaction } from "../context.ts";
import { retentionLimit } from "../retention.ts";
import { files } from "../schema/files.ts";
import { schedules } from "../schema/schedules.ts";
import { tasks } from "../schema/tasks.ts";
import { workflowSteps } from "../schema/workflows.ts";
import { removeFiles } from "./remove-files.ts";

/**
 * Removes uploads older than RETENTION_DAYS that no task, no waiting step and no schedule refers to, and files whose task was
 * deleted.
 * @returns the number of removed files
 */
export async function removeUnusedFiles(ctx: Context): Promise<number> {
  const unused = await ctx.db.select({ id: files.id }).from(files).where(isUnused(ctx));
  let removed = 0;
  for (const { id } of unused) removed += await removeIfUnused(ctx, id);
  return removed;
}

/** Locks the file, so that no new task can refer to it, and checks it again. */
function removeIfUnused(ctx: Context, id: string): Promise<number> {
  return inTransaction(ctx, async (tx) => {
    await tx.db.select({ id: files.id }).from(files).where(eq(files.id, id)).for("update");
    const [file] = await tx.db
      .select({ id: files.id })
      .from(files)
      .where(and(eq(files.id, id), isUnused(tx)));
    if (!file) return 0;
    await removeFiles(tx, [id]);
    return 1;
  });
}

function isUnused(ctx: Context) {
  const referringTask = ctx.db.select({ id: tasks.id }).from(tasks).where(eq(tasks.fileId, files.id));
  const referringSchedule = ctx.db
    .select({ id: schedules.id })
    .from(schedules)
    .where(and(eq(schedules.userId, files.userId), namesFile));
  const waitingStep = ctx.db
    .select({ id: workflowSteps.position })
    .from(workflowSteps)
    .where(and(eq(workflowSteps.fileId, files.id), eq(workflowSteps.state, "waiting")));
  const creatingTask = ctx.db.select({ id: tasks.id }).from(tasks).where(eq(tasks.id, files.taskId));
  const isOld = and(eq(files.origin, "upload"), lt(files.createdAt, retentionLimit(ctx)));
  const isOrphan = and(eq(files.origin, "result"), notExists(creatingTask));
  return and(
    isNull(files.receivingAt),
    or(isOld, isOrphan),
    notExists(referringTask),
    notExists(referringSchedule),
    notExists(waitingStep),
  );
}

/** Whether the task or workflow of a schedule has the id or the path of the file in any place. */
const body = sql`coalesce(${schedules.task}, ${schedules.workflow})::text`;
const namesFile = sql`(strpos(lower(${body}), ${files.id}::text) > 0 OR strpos(${body}, to_json(${files.path})::text) > 0)`;

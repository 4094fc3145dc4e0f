import { and, asc, gt, inArray, isNull, lt, sql } from "drizzle-orm";
import { type Context, inTransaction } from "../../context.ts";
import { retentionLimit } from "../../retention.ts";
import { tasks } from "../../schema/tasks.ts";
import { deleteTasks } from "../control/delete-task.ts";

/** Tasks per transaction. */
const PAGE = 1000;

/**
 * Removes tasks that ended more than RETENTION_DAYS ago, with their history, jobs and created files. Tasks of a workflow are
 * removed with it.
 * @returns the number of removed tasks
 */
export async function removeOldTasks(ctx: Context): Promise<number> {
  const limit = retentionLimit(ctx);
  // Only ended tasks have one of these times.
  const hasLongEnded = lt(sql`coalesce(${tasks.completedAt}, ${tasks.cancelledAt})`, limit);
  let removed = 0;
  for (let after = 0; ; ) {
    // Reads every old task once. With a condition on the status, the planner may sort all ended tasks for each page.
    const page = await ctx.db
      .select({ id: tasks.id, number: tasks.number, createdAt: tasks.createdAt })
      .from(tasks)
      .where(gt(tasks.number, after))
      .orderBy(asc(tasks.number))
      .limit(PAGE);
    const old = page.filter(({ createdAt }) => createdAt < limit);
    const isOld = and(
      inArray(
        tasks.id,
        old.map(({ id }) => id),
      ),
      hasLongEnded,
      isNull(tasks.workflowId),
    );
    if (old.length > 0) removed += await inTransaction(ctx, (tx) => deleteTasks(tx, isOld));
    // Later tasks are younger.
    const last = page.at(-1);
    if (!last || old.length === 0) return removed;
    after = last.number;
  }
}

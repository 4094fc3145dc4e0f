import { and, asc, inArray, lt, sql } from "drizzle-orm";
import { type Context, inTransaction, retentionLimit } from "../../context.ts";
import { tasks } from "../../schema/tasks.ts";
import { deleteTasks } from "../control/delete-task.ts";
import { ENDED_STATUSES } from "../state.ts";

/** Tasks per transaction. */
const PAGE = 1000;

/**
 * Removes tasks that ended more than RETENTION_DAYS ago, with their history, jobs and created files.
 * @returns the number of removed tasks
 */
export async function removeOldTasks(ctx: Context): Promise<number> {
  const limit = retentionLimit(ctx);
  const hasLongEnded = and(
    inArray(tasks.status, [...ENDED_STATUSES]),
    // Redundant, but `created_at` has an index.
    lt(tasks.createdAt, limit),
    lt(sql`coalesce(${tasks.completedAt}, ${tasks.cancelledAt})`, limit),
  );
  let removed = 0;
  for (;;) {
    const page = await ctx.db
      .select({ id: tasks.id })
      .from(tasks)
      .where(hasLongEnded)
      .orderBy(asc(tasks.number))
      .limit(PAGE);
    const ids = page.map(({ id }) => id);
    // Checks again: a task may have been retried meanwhile.
    const isOld = and(inArray(tasks.id, ids), hasLongEnded);
    if (ids.length > 0) removed += await inTransaction(ctx, (tx) => deleteTasks(tx, isOld));
    if (ids.length < PAGE) return removed;
  }
}

/** Tasks that run one after the other: each waits for the one before. */
import { and, eq, inArray, isNull, type SQL, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { tasks } from "../schema/tasks.ts";
import { recordEvent, type Task, takeEdge } from "./take-edge.ts";
import { enqueueTasks } from "./task-jobs.ts";

/** Lets those go on that wait for a task which has completed. */
export async function releaseNext(tx: Context, { id }: Pick<Task, "id">): Promise<void> {
  const released = await tx.db
    .update(tasks)
    .set({ dueAt: sql`statement_timestamp()`, updatedAt: sql`statement_timestamp()` })
    .where(and(eq(tasks.afterId, id), isWaiting))
    .returning();
  await enqueueTasks(tx, released);
  await recordEvent(
    tx,
    released.map((task) => task.id),
    "queued",
  );
}

/** Cancels all that wait for these tasks, and for those in turn, since they will not complete. */
export async function cancelNext(tx: Context, ended: readonly Pick<Task, "id">[]): Promise<void> {
  if (ended.length === 0) return;
  const ids = sql.param(ended.map(({ id }) => id));
  const waiting: SQL = sql`${tasks.id} IN (
    WITH RECURSIVE waiting AS (
      SELECT id FROM tasks WHERE after_id = ANY(${ids}::uuid[]) AND status = 'pending' AND due_at IS NULL
      UNION SELECT next.id FROM tasks next JOIN waiting ON next.after_id = waiting.id
      WHERE next.status = 'pending' AND next.due_at IS NULL
    ) SELECT id FROM waiting)`;
  const reason = "The task before it did not complete.";
  const changes = { cancelledAt: sql`statement_timestamp()`, cancelReason: reason };
  await takeEdge(tx, "cancel", waiting, changes, { message: reason });
}

/** Whether anything waits for the task: chains are created as a whole, so it does not change while it runs. */
export async function hasNext(ctx: Context, taskIds: readonly string[]): Promise<boolean> {
  const found = await ctx.db
    .select({ id: tasks.id })
    .from(tasks)
    .where(inArray(tasks.afterId, [...taskIds]))
    .limit(1);
  return found.length > 0;
}

const isWaiting = and(eq(tasks.status, "pending"), isNull(tasks.dueAt));

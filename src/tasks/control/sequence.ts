/** Sequences: each task waits until the previous one has completed. */
import { and, eq, isNull, type SQL, sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import { tasks } from "../../schema/tasks.ts";
import { enqueueTasks } from "../task-jobs.ts";
import { recordEvent, type Task, transition } from "../transitions.ts";

/** Queues the task that waits for a completed task. */
export async function releaseWaiting(tx: Tx, { id, hasNext }: Task): Promise<void> {
  if (!hasNext) return;
  const released = await tx.db
    .update(tasks)
    .set({ dueAt: sql`statement_timestamp()`, updatedAt: sql`statement_timestamp()` })
    .where(and(eq(tasks.afterId, id), eq(tasks.status, "pending"), isNull(tasks.dueAt)))
    .returning();
  await enqueueTasks(tx, released);
  await recordEvent(
    tx,
    released.map((task) => task.id),
    "queued",
  );
}

/** Cancels all tasks that wait, directly or indirectly, for tasks that did not complete. */
export async function cancelWaiting(tx: Tx, ended: readonly Task[]): Promise<void> {
  const previous = ended.filter(({ hasNext }) => hasNext);
  if (previous.length === 0) return;
  const ids = sql.param(previous.map(({ id }) => id));
  const waiting: SQL = sql`${tasks.id} IN (
    WITH RECURSIVE waiting AS (
      SELECT id FROM rowmill.tasks WHERE after_id = ANY(${ids}::uuid[]) AND status = 'pending' AND due_at IS NULL
      UNION SELECT next.id FROM rowmill.tasks next JOIN waiting ON next.after_id = waiting.id
      WHERE next.status = 'pending' AND next.due_at IS NULL
    ) SELECT id FROM waiting)`;
  const reason = "The previous task of the sequence did not complete.";
  const changes = { cancelledAt: sql`statement_timestamp()`, cancelReason: reason };
  // The service is the actor, not the user who ended the previous task.
  await transition({ ...tx, actor: null }, "cancel", waiting, changes, { message: reason });
}

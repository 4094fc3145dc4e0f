import { eq, type SQL, sql } from "drizzle-orm";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { requireStorable } from "../../platform/postgres/storable.ts";
import { tasks } from "../../schema/tasks.ts";
import { requireEdge } from "../state.ts";
import { dequeueTasks } from "../task-jobs.ts";
import { lockTask, type Owner, type Task, transition } from "../transitions.ts";
import { findTaskType } from "../types/registry.ts";
import { cancelNext } from "./chain.ts";

/**
 * Ends a task that waits or runs; a worker that has it in hand stops within about a second. One that is cancelled
 * already stays as it is.
 * @throws DomainError `invalid_input` for a reason that can't be stored, `not_found`, `conflict` where it has completed or failed
 */
export async function cancelTask(ctx: Context, ownerId: Owner, taskId: string, reason = ""): Promise<Task> {
  requireStorable(reason, "reason");
  return inTransaction(ctx, async (tx) => {
    const task = await lockTask(tx, ownerId, taskId);
    if (task.status === "cancelled") return task;
    requireEdge("cancel", task.status, "cancelled");
    const [cancelled = task] = await cancelTasks(tx, eq(tasks.id, taskId), reason);
    return cancelled;
  });
}

/** Cancels those that `where` picks and that have not ended, in a transaction. */
export async function cancelTasks(tx: Tx, where: SQL | undefined, reason: string): Promise<Task[]> {
  const changes = {
    cancelledAt: sql`statement_timestamp()`,
    cancelReason: reason || null,
    dueAt: sql`coalesce(due_at, statement_timestamp())`,
  };
  const cancelled = await transition(tx, "cancel", where, changes, { message: reason });
  await stopTasks(tx, cancelled);
  return cancelled;
}

/** What follows for others where these tasks will not come to their end, in the transaction that says so. */
export async function stopTasks(tx: Tx, stopped: readonly Task[]): Promise<void> {
  await dequeueTasks(tx, stopped);
  await cancelNext(tx, stopped);
  for (const task of stopped) await findTaskType(task.type)?.onCancelled?.(tx, task);
}

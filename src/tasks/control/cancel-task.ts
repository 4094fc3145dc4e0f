import { eq, type SQL, sql } from "drizzle-orm";
import { recordAudit } from "../../audit/record-audit.ts";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { requireStorable } from "../../platform/postgres/storable.ts";
import { tasks } from "../../schema/tasks.ts";
import { requireEdge } from "../state.ts";
import { dequeueTasks } from "../task-jobs.ts";
import { lockTask, type Owner, type Task, transition } from "../transitions.ts";
import { findTaskType } from "../types/registry.ts";
import { cancelWaiting } from "./sequence.ts";

/**
 * Cancels a pending or processing task. A worker that runs it stops within about a second. Does nothing if the task is
 * already cancelled.
 * @throws DomainError `not_found`; `conflict` if the task has completed or failed; `invalid_input` if PostgreSQL cannot
 * store the reason
 */
export async function cancelTask(ctx: Context, ownerId: Owner, taskId: string, reason = ""): Promise<Task> {
  requireStorable(reason, "reason");
  return inTransaction(ctx, async (tx) => {
    const task = await lockTask(tx, ownerId, taskId);
    if (task.status === "cancelled") return task;
    requireEdge("cancel", task.status, "cancelled");
    const [cancelled = task] = await cancelTasks(tx, eq(tasks.id, taskId), reason);
    if (ownerId === null) {
      const subject = { type: "task", id: taskId };
      await recordAudit(tx, { action: "task.cancelled", subject, ownerId: task.userId, details: { reason } });
    }
    return cancelled;
  });
}

/** Cancels the pending and processing tasks that match `where`. */
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

/** Cleans up after tasks that were cancelled or deleted before their end: jobs, waiting tasks, and `onCancelled`. */
export async function stopTasks(tx: Tx, stopped: readonly Task[]): Promise<void> {
  await dequeueTasks(tx, stopped);
  await cancelWaiting(tx, stopped);
  for (const task of stopped) await findTaskType(task.type)?.onCancelled?.(tx, task);
}

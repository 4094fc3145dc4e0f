import { and, eq, inArray, type SQL } from "drizzle-orm";
import { type Context, inTransaction, publishChange, type Tx } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { removeTaskFiles } from "../../files/remove-files.ts";
import { tasks } from "../../schema/tasks.ts";
import { hasEnded } from "../state.ts";
import { dequeueTasks } from "../task-jobs.ts";
import { isOutsideRunningWorkflow, lockTask, type Owner, TASK_CHANNEL, type Task } from "../transitions.ts";
import { stopTasks } from "./cancel-task.ts";

/**
 * Deletes a task in any state, with its history, its job and the files that it created. A worker that runs it stops.
 * @returns the deleted task
 * @throws DomainError `not_found`; `conflict` if the task is a step of a running workflow
 */
export function deleteTask(ctx: Context, ownerId: Owner, taskId: string): Promise<Task> {
  return inTransaction(ctx, async (tx) => {
    const task = await lockTask(tx, ownerId, taskId);
    const isDeleted = await deleteTasks(tx, and(eq(tasks.id, taskId), isOutsideRunningWorkflow));
    if (isDeleted === 0) {
      const message = `The task is a step of workflow ${task.workflowId}, which is running. Cancel the workflow first, or cancel the task.`;
      throw new DomainError("conflict", message);
    }
    return task;
  });
}

/** Deletes the tasks that match `where`. @returns the number of deleted tasks */
export async function deleteTasks(tx: Tx, where: SQL | undefined): Promise<number> {
  const found = await tx.db.select().from(tasks).where(where).for("update");
  if (found.length === 0) return 0;
  const ids = found.map(({ id }) => id);
  const { ended = [], open = [] } = Object.groupBy(found, ({ status }) =>
    hasEnded(status) ? "ended" : "open",
  );
  await stopTasks(tx, open);
  await dequeueTasks(tx, ended);
  await removeTaskFiles(tx, ids);
  await tx.db.delete(tasks).where(inArray(tasks.id, ids));
  await publishChange(tx, TASK_CHANNEL, ids);
  return ids.length;
}

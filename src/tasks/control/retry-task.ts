import { eq, type SQL, sql } from "drizzle-orm";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { tasks } from "../../schema/tasks.ts";
import { allows, requireEdge } from "../state.ts";
import { enqueueTasks, taskJobId } from "../task-jobs.ts";
import { lockTask, type Owner, type Task, transition } from "../transitions.ts";
import { findTaskType } from "../types/registry.ts";
import { requireTypeRole } from "../types/require-role.ts";

export interface Retry {
  /** Retries completed tasks as well. */
  readonly force: boolean;
}

/**
 * Queues a failed or cancelled task again and resets its automatic retries.
 * @throws DomainError `not_found`; `conflict` if the state of the task does not allow it, or if it belongs to a workflow; `forbidden` if its type requires
 * another role
 */
export function retryTask(ctx: Context, ownerId: Owner, taskId: string, { force }: Retry): Promise<Task> {
  return inTransaction(ctx, async (tx) => {
    const task = await lockTask(tx, ownerId, taskId);
    await requireTypeRole(tx, task.userId, [findTaskType(task.type)]);
    requireRetry(task, force);
    const [retried = task] = await retryTasks(tx, eq(tasks.id, taskId), { force });
    return retried;
  });
}

function requireRetry(task: Task, force: boolean): void {
  if (task.workflowId !== null) {
    const message = `The task is a step of a workflow. Retry the workflow: POST /api/v1/workflows/${task.workflowId}/retry.`;
    throw new DomainError("conflict", message);
  }
  if (!allows("forceRetry", task.status)) requireEdge("retry", task.status, "retried");
  else if (!force)
    throw new DomainError("conflict", `A task that is ${task.status} cannot be retried without \`force\`.`);
}

/** Retries the tasks that match `where` and whose state allows it. */
export async function retryTasks(tx: Tx, where: SQL | undefined, { force }: Retry): Promise<Task[]> {
  const changes = {
    run: sql`${tasks.run} + 1`,
    retryCount: 0,
    progress: 0,
    errorCode: null,
    errorMessage: null,
    cancelReason: null,
    dueAt: sql`statement_timestamp()`,
    startedAt: null,
    completedAt: null,
    cancelledAt: null,
  };
  const note = { message: "A retry was requested." };
  // Without `force`, the task continues from its last checkpoint, which is its `result`.
  const retried = await transition(tx, "retry", where, changes, note);
  if (force) retried.push(...(await transition(tx, "forceRetry", where, { ...changes, result: null }, note)));
  return withNewJobs(tx, retried);
}

/** Enqueues the jobs of tasks whose `run` was increased. @returns the tasks with their new `jobId` */
export async function withNewJobs(tx: Tx, changed: readonly Task[], startAfterSeconds = 0): Promise<Task[]> {
  const renewed = changed.map((task) => ({ ...task, jobId: taskJobId(task.id, task.run) }));
  if (renewed.length === 0) return renewed;
  const column = (key: "id" | "jobId") => sql.param(renewed.map((task) => task[key]));
  await tx.db
    .update(tasks)
    .set({ jobId: sql`job.id` })
    .from(sql`unnest(${column("id")}::uuid[], ${column("jobId")}::uuid[]) AS job (task_id, id)`)
    .where(eq(tasks.id, sql`job.task_id`));
  await enqueueTasks(tx, renewed, startAfterSeconds);
  return renewed;
}

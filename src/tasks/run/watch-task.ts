import { eq } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { type Watch, watch } from "../../platform/process/watch.ts";
import { tasks } from "../../schema/tasks.ts";
import type { Task } from "../transitions.ts";

/** A cancelled task stops within this time plus a query. */
const POLL_MS = 500;

class TaskStopped extends Error {
  override name = "TaskStopped";
}

/**
 * Aborts if the running task is cancelled, deleted or started by another worker. This only saves work: `endTask`
 * checks again.
 */
export function watchTask(ctx: Context, { id, attempt }: Task): Watch {
  const check = async () => {
    const [task] = await ctx.db
      .select({ status: tasks.status, attempt: tasks.attempt })
      .from(tasks)
      .where(eq(tasks.id, id));
    if (!task) return new TaskStopped("The task was deleted.");
    if (task.status !== "processing") return new TaskStopped(`The task is ${task.status}.`);
    return task.attempt === attempt ? null : new TaskStopped("Another worker has started the task.");
  };
  return watch(POLL_MS, check, (error) =>
    ctx.log.warn({ err: error, taskId: id }, "could not read the status of a task"),
  );
}

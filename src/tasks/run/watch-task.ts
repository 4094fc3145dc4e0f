import { eq } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { type Watch, watch } from "../../platform/process/watch.ts";
import { tasks } from "../../schema/tasks.ts";
import type { Task } from "../transitions.ts";

/** A task that is cancelled stops on any worker within this time and a query. */
const LOOK_EVERY_MS = 500;

class TaskStopped extends Error {
  override name = "TaskStopped";
}

/** Looks at a task while it is worked on. What decides is the guard when its outcome is recorded. */
export function watchTask(ctx: Context, { id, attempt }: Task): Watch {
  const look = async () => {
    const [task] = await ctx.db
      .select({ status: tasks.status, attempt: tasks.attempt })
      .from(tasks)
      .where(eq(tasks.id, id));
    if (!task) return new TaskStopped("The task was deleted.");
    if (task.status !== "processing") return new TaskStopped(`The task is ${task.status}.`);
    return task.attempt === attempt ? null : new TaskStopped("Another worker has begun it.");
  };
  return watch(LOOK_EVERY_MS, look, (error) =>
    ctx.log.warn({ err: error, taskId: id }, "could not look at a task's status"),
  );
}

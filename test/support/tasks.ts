/** What tests of tasks do again and again. */
import type { Context } from "../../src/context.ts";
import { createTasks, type TaskRequest } from "../../src/tasks/create-tasks.ts";
import { getTask } from "../../src/tasks/queries.ts";
import { hasEnded } from "../../src/tasks/state.ts";
import type { Task } from "../../src/tasks/take-edge.ts";
import { until } from "./until.ts";

/** A task of simulated work. */
export async function newTask(
  ctx: Context,
  userId: number,
  seconds = 0,
  more: Partial<TaskRequest> = {},
): Promise<string> {
  const { tasks } = await createTasks(ctx, userId, [{ type: "generic", params: { seconds }, ...more }]);
  return tasks[0]?.id ?? "";
}

export function untilTask(
  ctx: Context,
  id: string,
  what: string,
  isSo: (task: Task) => boolean,
  timeoutMs?: number,
): Promise<Task> {
  const probe = async () => {
    const task = await getTask(ctx, null, id);
    return isSo(task) ? task : null;
  };
  return until(`task ${id} ${what}`, probe, timeoutMs);
}

export function endOfTask(ctx: Context, id: string, timeoutMs?: number): Promise<Task> {
  return untilTask(ctx, id, "has ended", ({ status }) => hasEnded(status), timeoutMs);
}

/** Tasks by their verbs, for tests of what happens to them behind the API. */
import type { Context } from "../../src/context.ts";
import { createTasks, type TaskRequest } from "../../src/tasks/create-tasks.ts";
import { getTask, listEvents } from "../../src/tasks/queries.ts";
import { hasEnded } from "../../src/tasks/state.ts";
import type { Task } from "../../src/tasks/take-edge.ts";
import { until } from "./until.ts";

interface Has {
  readonly ctx: Context;
}

/** @returns its id */
export async function createTask({ ctx }: Has, userId: number, request: TaskRequest): Promise<string> {
  const { tasks } = await createTasks(ctx, userId, [request]);
  const [task] = tasks;
  if (!task) throw new Error("no task was created");
  return task.id;
}

/** The task once nothing works on it any more. */
export function endedTask({ ctx }: Has, id: string, timeoutMs?: number): Promise<Task> {
  const probe = async () => {
    const task = await getTask(ctx, null, id);
    return hasEnded(task.status) ? task : null;
  };
  return until(`task ${id} has ended`, probe, timeoutMs);
}

export function runningTask({ ctx }: Has, id: string): Promise<Task> {
  return until(`task ${id} is being processed`, async () => {
    const task = await getTask(ctx, null, id);
    return task.status === "processing" ? task : null;
  });
}

/** The audit trail without its `progress`. */
export async function eventsOf({ ctx }: Has, id: string): Promise<string[]> {
  const events = await listEvents(ctx, id, 0, 1000);
  return events.map(({ type }) => type).filter((type) => type !== "progress");
}

/** Tasks without HTTP, for tests of workers and verbs. Tests of the API use task-client.ts. */
import type { Context } from "../../src/context.ts";
import { createTasks, type TaskRequest } from "../../src/tasks/create/create-tasks.ts";
import { decodeHistoryCursor, listEvents } from "../../src/tasks/history.ts";
import { getTask } from "../../src/tasks/queries.ts";
import { hasEnded } from "../../src/tasks/state.ts";
import type { Task } from "../../src/tasks/transitions.ts";
import { until } from "./until.ts";

/** @returns its id */
export async function createTask(ctx: Context, userId: number, request: TaskRequest): Promise<string> {
  const { tasks } = await createTasks(ctx, userId, [request]);
  const [task] = tasks;
  if (!task) throw new Error("no task was created");
  return task.id;
}

/** A task of simulated work. */
export function newTask(
  ctx: Context,
  userId: number,
  seconds = 0,
  more: Partial<TaskRequest> = {},
): Promise<string> {
  return createTask(ctx, userId, { type: "generic", params: { seconds }, ...more });
}

/** A task that runs until the gate `complete` opens. No delay holds a place: a delayed task gives its place up. */
export function heldTask(ctx: Context, userId: number): Promise<string> {
  return newTask(ctx, userId, 0, { title: "gate" });
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

/** The task once nothing works on it any more. */
export function endedTask(ctx: Context, id: string, timeoutMs?: number): Promise<Task> {
  return untilTask(ctx, id, "has ended", ({ status }) => hasEnded(status), timeoutMs);
}

export function runningTask(ctx: Context, id: string): Promise<Task> {
  return untilTask(ctx, id, "is being processed", ({ status }) => status === "processing");
}

/** The audit trail without its `progress`. */
export async function eventsOf(ctx: Context, id: string): Promise<string[]> {
  const { items: events } = await listEvents(ctx, id, decodeHistoryCursor(undefined), 1000);
  return events.map(({ type }) => type).filter((type) => type !== "progress");
}

/** `tasks run`: creates a task by hand. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../context.ts";
import { ConfigError } from "../errors.ts";
import { aliveWorkers } from "../queues/workers/queries.ts";
import { createTasks } from "../tasks/create/create-tasks.ts";
import { getTask } from "../tasks/queries.ts";
import { hasEnded } from "../tasks/state.ts";
import type { Task } from "../tasks/transitions.ts";
import { viewTask } from "../tasks/views.ts";
import type { Session } from "./command.ts";
import { firstAdmin, typeNamed, userNamed } from "./named.ts";
import { printJson } from "./table.ts";

const POLL_EVERY_MS = 200;

interface RunValues {
  readonly params?: string;
  readonly file?: string;
  readonly title?: string;
  readonly user?: string;
  readonly wait: boolean;
  readonly json: boolean;
}

export async function runTask(
  { connect }: Session,
  values: RunValues,
  name: string | undefined,
): Promise<void> {
  const type = typeNamed(name);
  const params = paramsOf(values.params);
  const ctx = await connect();
  const userId = values.user === undefined ? await firstAdmin(ctx) : await userNamed(ctx, values.user);
  const { tasks } = await createTasks(ctx, userId, [
    {
      type,
      ...(params ? { params } : {}),
      ...(values.file === undefined ? {} : { filePath: values.file }),
      ...(values.title === undefined ? {} : { title: values.title }),
    },
  ]);
  let task = await getTask(ctx, null, tasks[0]?.id ?? "");
  // On standard error: standard output holds nothing but one JSON document with --json.
  const report = (line: string) => console.error(line);
  report(`Task ${task.number} (${task.id}) is in the queue ${task.queue}.`);
  const alive = await aliveWorkers(ctx);
  if (!alive.some(({ queues }) => task.queue in queues)) {
    report(`No worker serves the queue ${task.queue}. The task waits until one starts.`);
  }
  if (values.wait) task = await waitFor(ctx, task, report);
  if (values.json) printJson(viewTask(task, ctx));
  else if (values.wait) console.log(`${task.status}: ${outcomeOf(task)}`);
  if (values.wait && task.status !== "completed") process.exitCode = 1;
}

function paramsOf(params: string | undefined): Record<string, unknown> | undefined {
  if (params === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(params);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>;
    }
  } catch {
    // Reported below.
  }
  throw new ConfigError(`--params: must be a JSON object, such as --params '{"seconds": 2}'.`);
}

async function waitFor(ctx: Context, task: Task, report: (line: string) => void): Promise<Task> {
  let seen = task;
  while (!hasEnded(seen.status)) {
    await sleep(POLL_EVERY_MS);
    const now = await getTask(ctx, null, task.id);
    if (now.status !== seen.status || now.progress !== seen.progress)
      report(`${now.status}, ${now.progress} %`);
    seen = now;
  }
  return seen;
}

function outcomeOf({ result, errorCode, errorMessage, cancelReason }: Task): string {
  if (errorCode !== null) return `${errorCode}: ${errorMessage ?? ""}`;
  return result ? String(result.message) : (cancelReason ?? "no reason given");
}

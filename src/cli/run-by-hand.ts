/** `tasks run`: a task made by hand. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../context.ts";
import { aliveWorkers } from "../queues/queries.ts";
import { createTask } from "../tasks/create/create-tasks.ts";
import { getTask } from "../tasks/queries.ts";
import { hasEnded } from "../tasks/state.ts";
import type { Task } from "../tasks/transitions.ts";
import { viewTask } from "../tasks/views.ts";
import { printJson } from "./table.ts";
import { firstAdmin, paramsOf, type TaskOptions, typeNamed, userNamed } from "./task-options.ts";

const LOOK_EVERY_MS = 200;

/** With `--wait` the exit code tells whether it has completed. */
export async function runByHand(ctx: Context, name: string | undefined, given: TaskOptions): Promise<void> {
  const type = typeNamed(name);
  const params = paramsOf(given);
  const userId = given.user === undefined ? await firstAdmin(ctx) : await userNamed(ctx, given.user);
  let task = await createTask(ctx, userId, {
    type,
    ...(params ? { params } : {}),
    ...(given.file === undefined ? {} : { filePath: given.file }),
    ...(given.title === undefined ? {} : { title: given.title }),
  });
  // Beside the output, which `--json` keeps to one document.
  const tell = (line: string) => console.error(line);
  tell(`Task ${task.number} (${task.id}) is in the queue ${task.queue}.`);
  const alive = await aliveWorkers(ctx);
  if (!alive.some(({ queues }) => task.queue in queues)) {
    tell(`No worker takes ${task.queue}: it waits until one is started.`);
  }
  if (given.wait) task = await waitFor(ctx, task, tell);
  if (given.json) printJson(viewTask(task, ctx.now()));
  else if (given.wait) console.log(`${task.status}: ${sentenceOf(task)}`);
  if (given.wait && task.status !== "completed") process.exitCode = 1;
}

async function waitFor(ctx: Context, task: Task, tell: (line: string) => void): Promise<Task> {
  let seen = task;
  while (!hasEnded(seen.status)) {
    await sleep(LOOK_EVERY_MS);
    const now = await getTask(ctx, null, task.id);
    if (now.status !== seen.status || now.progress !== seen.progress)
      tell(`${now.status}, ${now.progress} %`);
    seen = now;
  }
  return seen;
}

function sentenceOf({ result, errorCode, errorMessage, cancelReason }: Task): string {
  if (errorCode !== null) return `${errorCode}: ${errorMessage ?? ""}`;
  return result ? String(result.message) : (cancelReason ?? "no reason given");
}

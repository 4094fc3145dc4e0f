/** `npm run cli -- tasks ...`: the same as /api/v1/admin, for a shell. */

import type { Context } from "../context.ts";
import { ConfigError } from "../errors.ts";
import { MAX_PAGE } from "../platform/http/paging.ts";
import { listJobs, listRegistered, nextSchedules } from "../queues/job-queries.ts";
import { pauseQueue, resumeQueue } from "../queues/pause-queue.ts";
import { purgeQueue } from "../queues/purge-queue.ts";
import { listQueues, listWorkers } from "../queues/queries.ts";
import { viewJob, viewQueue, viewRegistered, viewSchedule, viewWorker } from "../queues/views.ts";
import { cancelTask } from "../tasks/control/cancel-task.ts";
import { changeTasks, type TaskAction } from "../tasks/control/change-tasks.ts";
import { deleteTask } from "../tasks/control/delete-task.ts";
import { retryTask } from "../tasks/control/retry-task.ts";
import { listTasks } from "../tasks/queries.ts";
import { viewTask } from "../tasks/views.ts";
import { runByHand } from "./run-by-hand.ts";
import { printJson, printTable, type Row } from "./table.ts";
import { filterOf, limitOf, queueNamed, readOptions, TASKS_USAGE, type TaskOptions } from "./task-options.ts";

type Command = (ctx: Context, name: string | undefined, given: TaskOptions) => Promise<void>;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const commands: Readonly<Record<string, Command>> = {
  async queues(ctx, _, given) {
    const queues = (await listQueues(ctx)).map(viewQueue);
    show(given, queues, ({ name, waiting, scheduled, retrying, active, workers, ...queue }) => ({
      queue: name,
      waiting: queue.is_estimate ? `about ${waiting}` : waiting,
      scheduled,
      retrying,
      active,
      "oldest (s)": queue.oldest_waiting_seconds,
      workers,
      paused: queue.paused_at ?? "no",
    }));
  },

  async workers(ctx, _, given) {
    const workers = (await listWorkers(ctx, null, MAX_PAGE)).map(viewWorker);
    show(given, workers, ({ id, host, pid, version, queues, running, ...worker }) => ({
      id,
      host,
      pid,
      version,
      queues: Object.entries(queues)
        .map(([queue, concurrency]) => `${queue}:${concurrency}`)
        .join(","),
      running: running.length,
      alive: worker.is_alive ? "yes" : "no",
      "last seen": worker.last_seen_at,
    }));
  },

  async inspect(ctx, what = "active", given) {
    if (what === "registered") return inspectRegistered(ctx, given);
    if (what !== "active" && what !== "scheduled") throw new ConfigError(TASKS_USAGE);
    const jobs = (await listJobs(ctx, what, { after: null, limit: limitOf(given) })).map(viewJob);
    const schedules = what === "scheduled" ? (await nextSchedules(ctx)).map(viewSchedule) : [];
    if (given.json) return printJson({ items: jobs, schedules });
    printTable([
      ...schedules.map(({ job, cron, next_at }) => ({
        job,
        what: cron,
        at: next_at,
        attempt: null,
        worker: null,
      })),
      ...jobs.map(({ job, id, attempt, since, due_at, worker_id, task_id, batch_id }) => ({
        job,
        what: task_id ?? batch_id ?? id,
        at: since ?? due_at,
        attempt,
        worker: worker_id,
      })),
    ]);
  },

  async list(ctx, _, given) {
    const filter = await filterOf(ctx, given, true);
    const found = await listTasks(ctx, null, filter, { before: 0, limit: limitOf(given) });
    const tasks = found.map((task) => viewTask(task, ctx.now()));
    show(
      given,
      tasks,
      ({ number, id, type, queue, status, progress, user_id, created_at, title, error_code }) => ({
        number,
        id,
        type,
        queue,
        status,
        "%": progress,
        user: user_id,
        created: created_at,
        error: error_code,
        title: title.slice(0, 40),
      }),
    );
  },

  async purge(ctx, name, given) {
    const queue = queueNamed(name);
    const { matched } = await purgeQueue(ctx, queue);
    await afterCount(given, matched, "cancelled", () => purgeQueue(ctx, queue, matched));
  },

  async pause(ctx, name, given) {
    await pauseQueue(ctx, queueNamed(name));
    await commands.queues?.(ctx, undefined, given);
  },

  async resume(ctx, name, given) {
    await resumeQueue(ctx, queueNamed(name));
    await commands.queues?.(ctx, undefined, given);
  },

  cancel: (ctx, id, given) => change(ctx, "cancel", id, given),
  retry: (ctx, id, given) => change(ctx, "retry", id, given),
  delete: (ctx, id, given) => change(ctx, "delete", id, given),
  run: runByHand,
};

export async function tasksCommand(ctx: Context, args: string[]): Promise<void> {
  const { values, positionals } = readOptions(args);
  const [name = "", argument, ...rest] = positionals;
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command || rest.length > 0) throw new ConfigError(TASKS_USAGE);
  await command(ctx, argument, values);
}

const DONE: Readonly<Record<TaskAction, string>> = {
  cancel: "cancelled",
  retry: "retried",
  delete: "deleted",
};

async function change(
  ctx: Context,
  action: TaskAction,
  id: string | undefined,
  given: TaskOptions,
): Promise<void> {
  const { reason, force } = given;
  if (id === undefined) {
    const asked = { action, filter: await filterOf(ctx, given), reason, force };
    const { matched } = await changeTasks(ctx, asked);
    return afterCount(given, matched, DONE[action], () => changeTasks(ctx, { ...asked, expect: matched }));
  }
  if (!UUID.test(id)) throw new ConfigError(`"${id}" is no id of a task; \`tasks list\` shows them.`);
  const task = await {
    cancel: () => cancelTask(ctx, null, id, reason),
    retry: () => retryTask(ctx, null, id, { force }),
    delete: () => deleteTask(ctx, null, id),
  }[action]();
  if (given.json) printJson(viewTask(task, ctx.now()));
  else console.log(`Task ${task.number} is ${action === "delete" ? "deleted" : task.status}.`);
}

/** Nothing is changed by who has not seen how many there are. */
async function afterCount(
  { yes, json }: TaskOptions,
  matched: number,
  done: string,
  run: () => Promise<{ matched: number; changed: number }>,
): Promise<void> {
  const { changed } = yes ? await run() : { changed: 0 };
  if (json) printJson({ matched, changed });
  else if (yes) console.log(`${changed} of ${matched} ${done}.`);
  else console.log(`${matched} would be ${done}; add --yes to do it.`);
}

async function inspectRegistered(ctx: Context, given: TaskOptions): Promise<void> {
  const registered = viewRegistered(await listRegistered(ctx));
  if (given.json) return printJson(registered);
  const rows = (kind: string, items: readonly { name: string; queue: string; workers: string[] }[]): Row[] =>
    items.map(({ name, queue, workers }) => ({ kind, name, queue, workers: workers.length }));
  printTable([...rows("task type", registered.task_types), ...rows("job", registered.jobs)]);
}

function show<T>({ json }: TaskOptions, items: readonly T[], rowOf: (item: T) => Row): void {
  if (json) printJson({ items });
  else printTable(items.map(rowOf));
}

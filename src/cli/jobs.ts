import type { Context } from "../context.ts";
import { ConfigError } from "../errors.ts";
import { isUuid } from "../platform/ids.ts";
import { getJob } from "../queues/find-job.ts";
import { listJobs, listRecurringJobs, listRegistered } from "../queues/job-queries.ts";
import { viewJobResult } from "../queues/job-result-view.ts";
import { viewJob, viewRegistered, viewSchedule } from "../queues/views.ts";
import { command, flag, text } from "./command.ts";
import { limitOf } from "./named.ts";
import { printJson, printTable, printText, type Row } from "./table.ts";

const options = { limit: { ...text, default: "20" }, json: flag } as const;

export const jobCommands = [
  command({
    name: "jobs active",
    usage: "[--limit 20] [--json]",
    summary: "List jobs that workers run now.",
    options,
    run: async ({ connect }, values) => list(await connect(), "active", values),
  }),

  command({
    name: "jobs scheduled",
    usage: "[--limit 20] [--json]",
    summary: "List jobs that are due later, and recurring jobs.",
    options,
    run: async ({ connect }, values) => list(await connect(), "scheduled", values),
  }),

  command({
    name: "jobs get",
    usage: "ID [--json]",
    summary: "Show the state and the result of a job, and where its code failed.",
    takesArgument: true,
    options: { json: flag },
    async run({ connect }, { json }, id) {
      if (id === undefined || !isUuid(id)) {
        throw new ConfigError(id === undefined ? "The job ID is missing." : `"${id}" is not a job ID.`);
      }
      const ctx = await connect();
      const { result, error, payload, ...job } = viewJobResult(await getJob(ctx, id, true), ctx.now());
      if (json) return printJson({ ...job, payload, result, error });
      for (const [name, value] of Object.entries(job)) console.log(`${name.padEnd(11)} ${value ?? "-"}`);
      if (payload) printText(`payload     ${JSON.stringify(payload)}`);
      if (result) printText(`result      ${JSON.stringify(result)}`);
      if (error) printText(`error       ${error.code ?? "-"}: ${error.message}\n${error.stack ?? ""}`);
    },
  }),

  command({
    name: "jobs registered",
    usage: "[--json]",
    summary: "List task types and kinds of jobs, with the number of workers that serve them.",
    options: { json: flag },
    async run({ connect }, { json }) {
      const registered = viewRegistered(await listRegistered(await connect()));
      if (json) return printJson(registered);
      printTable([...rowsOf("task type", registered.task_types), ...rowsOf("job", registered.jobs)]);
    },
  }),
];

async function list(
  ctx: Context,
  state: "active" | "scheduled",
  { limit, json }: { limit: string; json: boolean },
): Promise<void> {
  const { items } = await listJobs(ctx, { state }, { after: null, limit: limitOf(limit) });
  const jobs = items.map(viewJob);
  const schedules = state === "scheduled" ? (await listRecurringJobs(ctx)).map(viewSchedule) : [];
  if (json) return printJson({ items: jobs, schedules });
  printTable([
    ...schedules.map(({ job, cron, timezone, next_at }) => ({
      job,
      subject: timezone === "UTC" ? cron : `${cron} (${timezone})`,
      at: next_at,
      attempt: null,
      worker: null,
    })),
    ...jobs.map(({ job, id, attempt, since, due_at, worker_id, task_id, batch_id }) => ({
      job,
      subject: task_id ?? batch_id ?? id,
      at: since ?? due_at,
      attempt,
      worker: worker_id,
    })),
  ]);
}

function rowsOf(kind: string, items: readonly { name: string; queue: string; workers: string[] }[]): Row[] {
  return items.map(({ name, queue, workers }) => ({ kind, name, queue, workers: workers.length }));
}

/** Reads of jobs: active jobs, scheduled jobs, and all kinds of jobs. */
import { and, isNotNull, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { jobs, type QueueName } from "../jobs.ts";
import { nextTick } from "../platform/cron/ticks.ts";
import { type Found, firstOf } from "../platform/postgres/read-page.ts";
import {
  type ActiveJob,
  listActiveJobs,
  listQueueSchedules,
  listScheduledJobs,
  type PageOfJobs,
} from "../platform/queue/queue-reads.ts";
import { schedules } from "../schema/schedules.ts";
import { taskTypes } from "../tasks/types/registry.ts";
import { jobNames, queueOfJob } from "./queries.ts";
import { aliveWorkers } from "./workers/queries.ts";

export interface JobFacts {
  readonly state: "active" | "scheduled";
  readonly job: string;
  readonly queue: QueueName;
  readonly id: string;
  readonly attempt: number;
  /** When an active job was taken, or when a scheduled job is due. */
  readonly at: Date;
  /** null if the job is scheduled, or if its worker has not reported it yet. */
  readonly workerId: string | null;
  readonly taskId: string | null;
  readonly batchId: string | null;
  /** The position of the job in the list, for the cursor. */
  readonly key: string;
}

export async function listJobs(
  ctx: Context,
  state: JobFacts["state"],
  page: PageOfJobs,
): Promise<Found<JobFacts>> {
  const more = { ...page, limit: page.limit + 1 };
  if (state === "scheduled") {
    const found = await listScheduledJobs(ctx.db, jobNames, more);
    const jobs = found.map(({ dueAt, ...job }) => factsOf(job, { state, at: dueAt, workerId: null }));
    return firstOf(jobs, page.limit);
  }
  const [found, workers] = await Promise.all([listActiveJobs(ctx.db, jobNames, more), aliveWorkers(ctx)]);
  const workerOf = new Map(workers.flatMap(({ id, running }) => running.map((job) => [job.id, id])));
  const jobs = found.map(({ since, ...job }) =>
    factsOf(job, { state, at: since, workerId: workerOf.get(job.id) ?? null }),
  );
  return firstOf(jobs, page.limit);
}

function factsOf(
  { payload, ...job }: Omit<ActiveJob, "since">,
  rest: Pick<JobFacts, "state" | "at" | "workerId">,
): JobFacts {
  const { taskId = null, batchId = null } = (payload ?? {}) as { taskId?: string; batchId?: string };
  return { ...job, ...rest, taskId, batchId, queue: queueOfJob.get(job.job) ?? "default" };
}

export interface RecurringJob {
  readonly job: string;
  readonly cron: string;
  readonly timezone: string;
  readonly nextAt: Date | null;
}

/** Lists recurring jobs: those of pg-boss, and those of built-in schedules. They exist once a worker has started. */
export async function listRecurringJobs(ctx: Context): Promise<RecurringJob[]> {
  const ofQueue = await listQueueSchedules(ctx.db);
  const builtin = await ctx.db
    .select({
      job: sql<string>`${schedules.builtin}`,
      cron: schedules.cron,
      timezone: schedules.timezone,
      nextAt: schedules.nextRunAt,
    })
    .from(schedules)
    .where(and(isNotNull(schedules.builtin), schedules.isEnabled));
  const recurring = [
    ...ofQueue.map((job) => ({
      ...job,
      timezone: "UTC",
      nextAt: nextTick({ ...job, timezone: "UTC" }, ctx.now()),
    })),
    ...builtin,
  ];
  return recurring.sort((one, other) => one.job.localeCompare(other.job));
}

export interface Registered {
  readonly jobs: readonly { name: string; queue: QueueName; retries: number; workers: string[] }[];
  readonly types: readonly { name: string; queue: QueueName; description: string; workers: string[] }[];
}

/** Lists all jobs and task types of this version, with the live workers that take each. */
export async function listRegistered(ctx: Context): Promise<Registered> {
  const alive = await aliveWorkers(ctx);
  const workersOf = (queue: QueueName) => alive.filter(({ queues }) => queue in queues).map(({ id }) => id);
  return {
    jobs: Object.values(jobs).map(({ name, queue, options }) => ({
      name,
      queue,
      retries: options.retryLimit,
      workers: workersOf(queue),
    })),
    types: taskTypes.map(({ name, queue, description }) => ({
      name,
      queue,
      description,
      workers: workersOf(queue),
    })),
  };
}

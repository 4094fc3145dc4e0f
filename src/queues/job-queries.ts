/** Reads of jobs: lists by state, and all kinds of jobs. */
import { and, isNotNull, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { jobs, type QueueName } from "../jobs.ts";
import { nextTick } from "../platform/cron/ticks.ts";
import { type Found, firstOf } from "../platform/postgres/read-page.ts";
import {
  type ActiveJob,
  listActiveJobs,
  listFailedJobs,
  listQueueSchedules,
  listScheduledJobs,
  listWaitingJobs,
  type PageOfJobs,
} from "../platform/queue/queue-reads.ts";
import { schedules } from "../schema/schedules.ts";
import { taskTypes } from "../tasks/types/registry.ts";
import { jobNames, queueOfJob } from "./queries.ts";
import { aliveWorkers } from "./workers/queries.ts";

export const LISTED_STATES = ["active", "waiting", "scheduled", "failed"] as const;

export interface JobFacts {
  readonly state: (typeof LISTED_STATES)[number];
  readonly job: string;
  readonly queue: QueueName;
  readonly id: string;
  readonly attempt: number;
  /** When an active job was taken, when a failed job ended, or when another job is due. */
  readonly at: Date;
  /** null if the job is not active, or if its worker has not reported it yet. */
  readonly workerId: string | null;
  readonly taskId: string | null;
  readonly batchId: string | null;
  /** The position of the job in the list, for the cursor. */
  readonly key: string;
}

export interface JobFilter {
  readonly state: JobFacts["state"];
  /** Absent: all queues. */
  readonly queue?: QueueName;
}

/** Lists the jobs in a state, of one queue or of all. */
export async function listJobs(
  ctx: Context,
  { state, queue }: JobFilter,
  page: PageOfJobs,
): Promise<Found<JobFacts>> {
  const names = queue === undefined ? jobNames : jobNames.filter((name) => queueOfJob.get(name) === queue);
  return firstOf(await lists[state](ctx, names, { ...page, limit: page.limit + 1 }), page.limit);
}

type List = (ctx: Context, names: readonly string[], page: PageOfJobs) => Promise<JobFacts[]>;

const lists: Readonly<Record<JobFacts["state"], List>> = {
  async active(ctx, names, page) {
    const [found, workers] = await Promise.all([listActiveJobs(ctx.db, names, page), aliveWorkers(ctx)]);
    const workerOf = new Map(workers.flatMap(({ id, running }) => running.map((job) => [job.id, id])));
    return found.map(({ since, ...job }) =>
      factsOf(job, { state: "active", at: since, workerId: workerOf.get(job.id) ?? null }),
    );
  },
  async waiting({ db }, names, page) {
    const found = await listWaitingJobs(db, names, page);
    return found.map(({ dueAt, ...job }) => factsOf(job, { state: "waiting", at: dueAt, workerId: null }));
  },
  async scheduled({ db }, names, page) {
    const found = await listScheduledJobs(db, names, page);
    return found.map(({ dueAt, ...job }) => factsOf(job, { state: "scheduled", at: dueAt, workerId: null }));
  },
  async failed({ db }, names, page) {
    const found = await listFailedJobs(db, names, page);
    return found.map(({ endedAt, ...job }) => factsOf(job, { state: "failed", at: endedAt, workerId: null }));
  },
};

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

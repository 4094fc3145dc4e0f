/** Reads of workers and queues: for operators alone. */
import { asc, gt, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { jobs, QUEUES, type QueueName } from "../jobs.ts";
import { signOfLife } from "../platform/process/sign-of-life.ts";
import { type JobDepth, readDepths } from "../platform/queue/queue-reads.ts";
import { pausedQueues, workers } from "../schema/workers.ts";

/** Of a process that takes jobs. */
export const workerLife = signOfLife(5000);

const isAlive = sql<boolean>`${workers.lastSeenAt} > now() - make_interval(secs => ${workerLife.deadAfterMs / 1000})`;

export type StoredWorker = typeof workers.$inferSelect & { readonly isAlive: boolean };

/** In the order of their starts: ids begin with their time. `after` is the last id of the page before. */
export async function listWorkers(
  ctx: Context,
  after: string | null,
  limit: number,
): Promise<StoredWorker[]> {
  const rows = await ctx.db
    .select({ worker: workers, isAlive })
    .from(workers)
    .where(after === null ? undefined : gt(workers.id, after))
    .orderBy(asc(workers.id))
    .limit(limit);
  return rows.map(({ worker, isAlive }) => ({ ...worker, isAlive }));
}

export function aliveWorkers(ctx: Pick<Context, "db">): Promise<(typeof workers.$inferSelect)[]> {
  return ctx.db.select().from(workers).where(isAlive).orderBy(asc(workers.id));
}

export interface StoredQueue extends Omit<JobDepth, "job"> {
  readonly queue: QueueName;
  readonly paused: typeof pausedQueues.$inferSelect | null;
  /** How many are alive and take it. */
  readonly workers: number;
}

export const jobNames: readonly string[] = Object.values(jobs).map(({ name }) => name);

/** Name of a job to the queue that it belongs to. */
export const queueOfJob: ReadonlyMap<string, QueueName> = new Map(
  Object.values(jobs).map(({ name, queue }) => [name, queue]),
);

export async function listQueues(ctx: Context): Promise<StoredQueue[]> {
  const [depths, paused, alive] = await Promise.all([
    readDepths(ctx.db, jobNames),
    ctx.db.select().from(pausedQueues),
    aliveWorkers(ctx),
  ]);
  return QUEUES.map((queue) => ({
    queue,
    ...sumOf(depths.filter(({ job }) => queueOfJob.get(job) === queue)),
    paused: paused.find((row) => row.queue === queue) ?? null,
    workers: alive.filter(({ queues }) => queue in queues).length,
  }));
}

function sumOf(depths: readonly JobDepth[]): Omit<JobDepth, "job"> {
  const sum = (key: "waiting" | "scheduled" | "retrying" | "active") =>
    depths.reduce((total, depth) => total + depth[key], 0);
  const ages = depths.flatMap(({ oldestWaitingSeconds }) => oldestWaitingSeconds ?? []);
  return {
    waiting: sum("waiting"),
    scheduled: sum("scheduled"),
    retrying: sum("retrying"),
    active: sum("active"),
    isEstimate: depths.some(({ isEstimate }) => isEstimate),
    oldestWaitingSeconds: ages.length > 0 ? Math.max(...ages) : null,
  };
}

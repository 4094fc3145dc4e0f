/** Reads of queues. They cover all users, so only operators may see them. */
import { eq, getTableColumns } from "drizzle-orm";
import type { Context } from "../context.ts";
import { jobs, QUEUES, type QueueName } from "../jobs.ts";
import { type JobDepth, readDepths } from "../platform/queue/queue-reads.ts";
import { users } from "../schema/accounts.ts";
import { pausedQueues } from "../schema/workers.ts";
import { aliveWorkers } from "./workers/queries.ts";

/** `username`: that of the user who paused it. null: a command did, or the account is deleted. */
type PausedQueue = typeof pausedQueues.$inferSelect & { readonly username: string | null };

export interface StoredQueue extends Omit<JobDepth, "job"> {
  readonly queue: QueueName;
  readonly paused: PausedQueue | null;
  /** The number of live workers that take the queue. */
  readonly workers: number;
}

export const jobNames: readonly string[] = Object.values(jobs).map(({ name }) => name);

/** The queue of each job, by the name of the job. */
export const queueOfJob: ReadonlyMap<string, QueueName> = new Map(
  Object.values(jobs).map(({ name, queue }) => [name, queue]),
);

export function listQueues(ctx: Pick<Context, "db">): Promise<StoredQueue[]> {
  return readQueues(ctx, QUEUES);
}

export async function getQueue(ctx: Context, name: QueueName): Promise<StoredQueue> {
  const [queue] = await readQueues(ctx, [name]);
  if (!queue) throw new Error(`The queue ${name} was not read.`);
  return queue;
}

async function readQueues(ctx: Pick<Context, "db">, names: readonly QueueName[]): Promise<StoredQueue[]> {
  const jobsOf = (name: QueueName) => jobNames.filter((job) => queueOfJob.get(job) === name);
  const [depths, paused, alive] = await Promise.all([
    readDepths(ctx.db, names.flatMap(jobsOf)),
    ctx.db
      .select({ ...getTableColumns(pausedQueues), username: users.username })
      .from(pausedQueues)
      .leftJoin(users, eq(users.id, pausedQueues.pausedBy)),
    aliveWorkers(ctx),
  ]);
  return names.map((queue) => ({
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

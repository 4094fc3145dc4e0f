import { and, asc, desc, gte, isNotNull, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import type { QueueName } from "../../jobs.ts";
import { statistics } from "../../schema/statistics.ts";
import type { CountedWork } from "../../schema/workers.ts";
import { listQueues, type StoredQueue } from "../queries.ts";
import { aliveWorkers } from "../workers/queries.ts";
import { bucketsOf, type Range } from "./ranges.ts";
import { MINUTE_MS } from "./record-minute.ts";

/** The jobs of a queue in a bucket: the highest numbers. */
interface QueuePeaks {
  readonly name: QueueName;
  readonly waiting: number;
  readonly scheduled: number;
  readonly active: number;
  readonly oldest_waiting_seconds: number | null;
}

export interface Bucket extends CountedWork {
  readonly start: string;
  /** The number of minutes that are recorded. */
  readonly minutes: number;
  readonly leastAlive: number;
  readonly mostBusy: number;
  readonly databaseBytes: number | null;
  readonly queues: readonly QueuePeaks[];
}

type Minute = typeof statistics.$inferSelect;

export interface StoredStatistics {
  readonly now: Date;
  /** The starts of all buckets, also of those without a row. */
  readonly starts: readonly Date[];
  readonly bucketMs: number;
  /** By the start of the bucket. */
  readonly buckets: ReadonlyMap<string, Bucket>;
  /** The latest minute; null: none in the range. */
  readonly latest: Minute | null;
  /** The first known size of the database in the range. */
  readonly firstBytes: number | null;
  readonly queues: readonly StoredQueue[];
  readonly workers: { readonly alive: number; readonly busy: number; readonly jobs: number };
}

export async function readStatistics(ctx: Context, range: Range): Promise<StoredStatistics> {
  const now = ctx.now();
  const { starts, ms } = bucketsOf(range, now);
  const from = starts[0] ?? now;
  const [buckets, [latest], [first], queues, alive] = await Promise.all([
    readBuckets(ctx, from, new Date(from.getTime() + starts.length * ms), ms),
    ctx.db.select().from(statistics).orderBy(desc(statistics.minute)).limit(1),
    ctx.db
      .select({ bytes: statistics.databaseBytes })
      .from(statistics)
      .where(and(gte(statistics.minute, from), isNotNull(statistics.databaseBytes)))
      .orderBy(asc(statistics.minute))
      .limit(1),
    listQueues(ctx),
    aliveWorkers(ctx),
  ]);
  return {
    now,
    starts,
    bucketMs: ms,
    buckets: new Map(buckets.map((bucket) => [new Date(bucket.start).toISOString(), bucket])),
    latest: latest && latest.minute >= from ? latest : null,
    firstBytes: first?.bytes ?? null,
    queues,
    workers: {
      alive: alive.length,
      busy: alive.filter(({ running }) => running.length > 0).length,
      jobs: alive.reduce((sum, { running }) => sum + running.length, 0),
    },
  };
}

/** How old the latest minute may be for its rates to count as current. */
export const CURRENT_MS = 3 * MINUTE_MS;

/** The buckets with a row, of the time before `to`. With both limits, the planner uses the index even if it knows nothing. */
export async function readBuckets(
  { db }: Pick<Context, "db">,
  from: Date,
  to: Date,
  ms: number,
): Promise<Bucket[]> {
  const seconds = ms / 1000;
  const start = sql`date_bin(make_interval(secs => ${seconds}::int), minute, 'epoch') AS start`;
  const isWithin = sql`minute >= ${from.toISOString()}::timestamptz AND minute < ${to.toISOString()}::timestamptz`;
  const { rows } = await db.execute<{ [K in keyof Bucket]: Bucket[K] }>(sql`
    WITH peaks AS (
      SELECT ${start}, queue, max(waiting) AS waiting, max(scheduled) AS scheduled, max(active) AS active,
        max(oldest_waiting_seconds) AS oldest
      FROM rowmill.queue_statistics WHERE ${isWithin} GROUP BY 1, 2
    ), queues AS (
      SELECT start, json_agg(json_build_object('name', queue, 'waiting', waiting, 'scheduled', scheduled, 'active', active,
        'oldest_waiting_seconds', oldest) ORDER BY queue) AS queues
      FROM peaks GROUP BY start
    ), buckets AS (
      SELECT ${start}, count(*)::int AS minutes, sum(rows_succeeded)::float8 AS "rowsSucceeded",
        sum(rows_failed)::float8 AS "rowsFailed", sum(tasks_completed)::float8 AS "tasksCompleted",
        sum(tasks_failed)::float8 AS "tasksFailed", sum(tasks_retried)::float8 AS "tasksRetried",
        min(workers_alive) AS "leastAlive", max(workers_busy) AS "mostBusy",
        max(database_bytes)::float8 AS "databaseBytes"
      FROM rowmill.statistics WHERE ${isWithin} GROUP BY 1
    )
    SELECT buckets.*, coalesce(queues, '[]') AS queues FROM buckets LEFT JOIN queues USING (start)`);
  return rows;
}

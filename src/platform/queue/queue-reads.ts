/** What stands in the queue, read beside pg-boss: for the reconcilers, for operators, and for metrics. */
import { sql } from "drizzle-orm";
import { QUEUE_SCHEMA } from "../../schema/columns.ts";
import type { Database } from "../postgres/database.ts";

/** An interface as drizzle takes one for the type of a row. */
type Row<T> = { [K in keyof T]: T[K] };

const job = sql`${sql.identifier(QUEUE_SCHEMA)}.job`;

/** Which of these jobs are in one of the states. */
export async function jobsInState(
  db: Database,
  name: string,
  ids: readonly string[],
  states: string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await db.execute<{ id: string }>(sql`
    SELECT id FROM ${job}
    WHERE name = ${name} AND id = ANY(${sql.param(ids)}::uuid[]) AND state::text = ANY(${sql.param(states)}::text[])`);
  return new Set(rows.map((row) => row.id));
}

/** A job that has a worker. */
export interface ActiveJob {
  readonly job: string;
  readonly id: string;
  readonly payload: unknown;
  readonly attempt: number;
  readonly since: Date;
  /** What the next page begins after. */
  readonly key: string;
}

/** A job that is due later. */
export interface ScheduledJob {
  readonly job: string;
  readonly id: string;
  readonly payload: unknown;
  readonly attempt: number;
  readonly dueAt: Date;
  readonly key: string;
}

export interface PageOfJobs {
  /** `key` of the last one of the page before; null: from the first. */
  readonly after: string | null;
  readonly limit: number;
}

/** What `key` looks like: a time to the microsecond and an id. */
export const JOB_KEY = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** How much of a kind of job waits. */
export interface JobDepth {
  readonly job: string;
  /** Due and not taken. */
  readonly waiting: number;
  /** Due later. */
  readonly scheduled: number;
  /** Of both, those that a worker has had in hand before; of the first `COUNTED_EXACTLY` that are next. */
  readonly retrying: number;
  readonly active: number;
  /** There are more than `COUNTED_EXACTLY`: then `waiting` and `scheduled` are what pg-boss counted last. */
  readonly isEstimate: boolean;
  readonly oldestWaitingSeconds: number | null;
}

export const COUNTED_EXACTLY = 10_000;

/** Of one kind, on all workers together. */
const MOST_ACTIVE = 100_000;

/** Priorities that jobs have (platform/queue.ts), from 0. */
const HIGHEST_PRIORITY = 9;
/** Of each priority; a job that was retried may stand before others that have waited for longer. */
const LOOKED_AT_FOR_AGE = 100;

/**
 * Costs about the same for a thousand jobs and for a million: it reads the first entries of the index that workers fetch
 * by (`job_i11`: name, priority, created_on, start_after; only jobs that no worker has), and of the one of active jobs
 * that belong to a group (`job_i7`). Those without one are the few of upkeep.
 */
export async function readDepths(db: Database, names: readonly string[]): Promise<JobDepth[]> {
  const isOpen = sql`name = kind.name AND state < 'active' AND NOT blocked`;
  const { rows } = await db.execute<Row<JobDepth>>(sql`
    SELECT kind.name AS job, open.retrying, active.count AS active, open.count > ${COUNTED_EXACTLY} AS "isEstimate",
      CASE WHEN open.count > ${COUNTED_EXACTLY} THEN greatest(ready_count, open.due) ELSE open.due END AS waiting,
      CASE WHEN open.count > ${COUNTED_EXACTLY} THEN greatest(deferred_count, open.later) ELSE open.later END AS scheduled,
      extract(epoch FROM now() - oldest.since)::float8 AS "oldestWaitingSeconds"
    FROM ${sql.identifier(QUEUE_SCHEMA)}.queue AS kind
    CROSS JOIN LATERAL (
      SELECT count(*)::int AS count, count(*) FILTER (WHERE state = 'retry')::int AS retrying,
        count(*) FILTER (WHERE start_after <= now())::int AS due, count(*) FILTER (WHERE start_after > now())::int AS later
      FROM (
        SELECT state, start_after FROM ${job} WHERE ${isOpen}
        ORDER BY priority DESC, created_on LIMIT ${COUNTED_EXACTLY + 1}
      ) AS first
    ) AS open
    CROSS JOIN LATERAL (
      SELECT min(greatest(created_on, start_after)) AS since
      FROM generate_series(0, ${HIGHEST_PRIORITY}) AS level
      CROSS JOIN LATERAL (
        SELECT created_on, start_after FROM ${job} WHERE ${isOpen} AND priority = level AND start_after <= now()
        ORDER BY created_on LIMIT ${LOOKED_AT_FOR_AGE}
      ) AS first
    ) AS oldest
    CROSS JOIN LATERAL (SELECT count(*)::int AS count FROM (${activeOf(sql`kind.name`)}) AS taken) AS active
    WHERE kind.name = ANY(${sql.param([...names])}::text[])`);
  return rows;
}

/**
 * By the index of those that belong to a group, and by the key for the few kinds that never do. The limits keep the
 * planner from reading all jobs of all kinds instead.
 */
function activeOf(name: ReturnType<typeof sql>) {
  const active = (isOfKind: ReturnType<typeof sql>) => sql`
    SELECT name, id, data, retry_count, started_on FROM ${job} WHERE state = 'active' AND ${isOfKind} LIMIT ${MOST_ACTIVE}`;
  return sql`
    (${active(sql`name = ${name} AND group_id IS NOT NULL`)})
    UNION ALL SELECT own.* FROM ${sql.identifier(QUEUE_SCHEMA)}.schedule AS scheduled
    CROSS JOIN LATERAL (${active(sql`name = scheduled.name AND group_id IS NULL`)}) AS own
    WHERE scheduled.name = ${name}`;
}

const keyOf = (moment: ReturnType<typeof sql>) =>
  sql`to_char(${moment} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '/' || id`;

/** Those that were taken first come first. */
export async function listActiveJobs(
  db: Database,
  names: readonly string[],
  { after, limit }: PageOfJobs,
): Promise<ActiveJob[]> {
  const { rows } = await db.execute<Row<Omit<ActiveJob, "since"> & { since: string }>>(sql`
    SELECT taken.name AS job, id, data AS payload, retry_count + 1 AS attempt, started_on AS since, ${keyOf(sql`started_on`)} AS key
    FROM unnest(${sql.param([...names])}::text[]) AS kind (name) CROSS JOIN LATERAL (${activeOf(sql`kind.name`)}) AS taken
    WHERE ${isAfter(sql`started_on`, after)}
    ORDER BY started_on, id LIMIT ${limit}`);
  return rows.map((row) => ({ ...row, since: new Date(row.since) }));
}

/** Those that are due first come first. */
export async function listScheduledJobs(
  db: Database,
  names: readonly string[],
  { after, limit }: PageOfJobs,
): Promise<ScheduledJob[]> {
  const { rows } = await db.execute<Row<Omit<ScheduledJob, "dueAt"> & { dueAt: string }>>(sql`
    SELECT name AS job, id, data AS payload, retry_count + 1 AS attempt, start_after AS "dueAt", ${keyOf(sql`start_after`)} AS key
    FROM ${job}
    WHERE name = ANY(${sql.param([...names])}::text[]) AND state < 'active' AND NOT blocked AND start_after > now()
      AND ${isAfter(sql`start_after`, after)}
    ORDER BY start_after, id LIMIT ${limit}`);
  return rows.map((row) => ({ ...row, dueAt: new Date(row.dueAt) }));
}

function isAfter(moment: ReturnType<typeof sql>, key: string | null) {
  if (key === null) return sql`true`;
  const [at = "", id = ""] = key.split("/");
  return sql`(${moment}, id) > (${at}::timestamptz, ${id}::uuid)`;
}

/** Jobs that come by themselves. */
export async function listSchedules(db: Database): Promise<{ job: string; cron: string }[]> {
  const { rows } = await db.execute<{ job: string; cron: string }>(
    sql`SELECT name AS job, cron FROM ${sql.identifier(QUEUE_SCHEMA)}.schedule ORDER BY name`,
  );
  return rows;
}

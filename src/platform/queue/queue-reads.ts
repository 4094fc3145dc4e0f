/** Reads pg-boss's tables directly: for the reconcilers, for operators, and for metrics. */
import { type SQL, sql } from "drizzle-orm";
import type { Database } from "../postgres/database.ts";
import { jobTable, queueTable, scheduleTable } from "./tables.ts";

/** Turns an interface into a type that drizzle accepts for rows. */
type Row<T> = { [K in keyof T]: T[K] };

/** Returns the ids of the jobs that are in one of `states`. */
export async function jobsInState(
  db: Database,
  name: string,
  ids: readonly string[],
  states: string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await db.execute<{ id: string }>(sql`
    SELECT id FROM ${jobTable}
    WHERE name = ${name} AND id = ANY(${sql.param(ids)}::uuid[]) AND state::text = ANY(${sql.param(states)}::text[])`);
  return new Set(rows.map((row) => row.id));
}

/** A job that a worker runs now. */
export interface ActiveJob {
  readonly job: string;
  readonly id: string;
  readonly payload: unknown;
  readonly attempt: number;
  readonly since: Date;
  /** The position in the list, for `PageOfJobs.after`. */
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
  /** `key` of the last job of the previous page; null: the first page. */
  readonly after: string | null;
  readonly limit: number;
}

/** The format of `key`: a time in microseconds and an id. */
export const JOB_KEY = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The numbers of jobs of one kind. */
export interface JobDepth {
  readonly job: string;
  /** Jobs that are due and that no worker runs. */
  readonly waiting: number;
  /** Jobs that are due later. */
  readonly scheduled: number;
  /** Waiting and scheduled jobs that a worker has already run, among the next `COUNTED_EXACTLY`. */
  readonly retrying: number;
  readonly active: number;
  /** Whether more than `COUNTED_EXACTLY` jobs wait. `waiting` and `scheduled` are then pg-boss's last count. */
  readonly isEstimate: boolean;
  readonly oldestWaitingSeconds: number | null;
}

export const COUNTED_EXACTLY = 10_000;

/** The most running jobs of one kind that are counted, on all workers together. */
const MAX_ACTIVE = 100_000;

/** The highest priority of a job: that of a task, and one more after it was put back. The lowest is 0. */
const MAX_PRIORITY = 10;
/**
 * The number of jobs of each priority in which the oldest is looked for. The first is not always the oldest: a retried
 * job can precede jobs that have waited longer.
 */
const JOBS_READ_FOR_AGE = 100;

/**
 * Counts jobs. Takes about the same time for a thousand jobs and for a million, because it reads only the first entries of
 * two of pg-boss's indexes: `job_i11` (name, priority, created_on, start_after; jobs that no worker runs) and `job_i7`
 * (running jobs that belong to a group). Only upkeep jobs, which are few, have no group.
 */
export async function readDepths(db: Database, names: readonly string[]): Promise<JobDepth[]> {
  const isOpen = sql`name = kind.name AND state < 'active' AND NOT blocked`;
  const { rows } = await db.execute<Row<JobDepth>>(sql`
    SELECT kind.name AS job, open.retrying, active.count AS active, open.count > ${COUNTED_EXACTLY} AS "isEstimate",
      CASE WHEN open.count > ${COUNTED_EXACTLY} THEN greatest(ready_count, open.due) ELSE open.due END AS waiting,
      CASE WHEN open.count > ${COUNTED_EXACTLY} THEN greatest(deferred_count, open.later) ELSE open.later END AS scheduled,
      extract(epoch FROM now() - oldest.since)::float8 AS "oldestWaitingSeconds"
    FROM ${queueTable} AS kind
    CROSS JOIN LATERAL (
      SELECT count(*)::int AS count, count(*) FILTER (WHERE state = 'retry')::int AS retrying,
        count(*) FILTER (WHERE start_after <= now())::int AS due, count(*) FILTER (WHERE start_after > now())::int AS later
      FROM (
        SELECT state, start_after FROM ${jobTable} WHERE ${isOpen}
        ORDER BY priority DESC, created_on LIMIT ${COUNTED_EXACTLY + 1}
      ) AS first
    ) AS open
    CROSS JOIN LATERAL (
      SELECT min(greatest(created_on, start_after)) AS since
      FROM generate_series(0, ${MAX_PRIORITY}) AS level
      CROSS JOIN LATERAL (
        SELECT created_on, start_after FROM ${jobTable} WHERE ${isOpen} AND priority = level AND start_after <= now()
        ORDER BY created_on LIMIT ${JOBS_READ_FOR_AGE}
      ) AS first
    ) AS oldest
    CROSS JOIN LATERAL (SELECT count(*)::int AS count FROM (${activeOf(sql`kind.name`)}) AS taken) AS active
    WHERE kind.name = ANY(${sql.param([...names])}::text[])`);
  return rows;
}

/**
 * Selects running jobs: through the index of jobs with a group, and through the primary key for the few scheduled kinds,
 * which have none. Without the limits the planner would read all jobs.
 */
function activeOf(name: SQL) {
  const active = (isOfKind: SQL) => sql`
    SELECT name, id, data, retry_count, started_on FROM ${jobTable} WHERE state = 'active' AND ${isOfKind} LIMIT ${MAX_ACTIVE}`;
  return sql`
    (${active(sql`name = ${name} AND group_id IS NOT NULL`)})
    UNION ALL SELECT own.* FROM ${scheduleTable} AS scheduled
    CROSS JOIN LATERAL (${active(sql`name = scheduled.name AND group_id IS NULL`)}) AS own
    WHERE scheduled.name = ${name}`;
}

const keyOf = (moment: SQL) =>
  sql`to_char(${moment} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '/' || id`;

/** Lists running jobs, the longest running first. */
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

/**
 * Lists jobs that are due later, the next one first. Reads one page per kind from the index `job_scheduled`: a job that is due later
 * is due after its creation.
 */
export async function listScheduledJobs(
  db: Database,
  names: readonly string[],
  { after, limit }: PageOfJobs,
): Promise<ScheduledJob[]> {
  const { rows } = await db.execute<Row<Omit<ScheduledJob, "dueAt"> & { dueAt: string }>>(sql`
    SELECT first.name AS job, id, data AS payload, retry_count + 1 AS attempt, start_after AS "dueAt",
      ${keyOf(sql`start_after`)} AS key
    FROM unnest(${sql.param([...names])}::text[]) AS kind (name) CROSS JOIN LATERAL (
      SELECT name, id, data, retry_count, start_after FROM ${jobTable}
      WHERE name = kind.name AND state < 'active' AND NOT blocked AND start_after > created_on AND start_after > now()
        AND ${isAfter(sql`start_after`, after)}
      ORDER BY start_after, id LIMIT ${limit}
    ) AS first
    ORDER BY start_after, id LIMIT ${limit}`);
  return rows.map((row) => ({ ...row, dueAt: new Date(row.dueAt) }));
}

/** Lists jobs that are due and that no worker runs, the oldest first. Reads one page per kind and priority. */
export async function listWaitingJobs(
  db: Database,
  names: readonly string[],
  { after, limit }: PageOfJobs,
): Promise<ScheduledJob[]> {
  const { rows } = await db.execute<Row<Omit<ScheduledJob, "dueAt"> & { dueAt: string }>>(sql`
    SELECT first.name AS job, id, data AS payload, retry_count + 1 AS attempt, start_after AS "dueAt",
      ${keyOf(sql`created_on`)} AS key
    FROM unnest(${sql.param([...names])}::text[]) AS kind (name)
    CROSS JOIN generate_series(0, ${MAX_PRIORITY}) AS level
    CROSS JOIN LATERAL (
      SELECT name, id, data, retry_count, start_after, created_on FROM ${jobTable}
      WHERE name = kind.name AND priority = level AND state < 'active' AND NOT blocked AND start_after <= now()
        AND ${isAfter(sql`created_on`, after)}
      ORDER BY created_on, id LIMIT ${limit}
    ) AS first
    ORDER BY created_on, id LIMIT ${limit}`);
  return rows.map((row) => ({ ...row, dueAt: new Date(row.dueAt) }));
}

/** A job that is not delivered again. */
export interface FailedJob extends Omit<ScheduledJob, "dueAt"> {
  readonly endedAt: Date;
}

/** Lists failed jobs, the latest first. Reads one page per kind. */
export async function listFailedJobs(
  db: Database,
  names: readonly string[],
  { after, limit }: PageOfJobs,
): Promise<FailedJob[]> {
  const [at = "", id = ""] = after?.split("/") ?? [];
  const isOlder = after === null ? sql`true` : sql`(completed_on, id) < (${at}::timestamptz, ${id}::uuid)`;
  const { rows } = await db.execute<Row<Omit<FailedJob, "endedAt"> & { endedAt: string }>>(sql`
    SELECT first.name AS job, id, data AS payload, retry_count + 1 AS attempt, completed_on AS "endedAt",
      ${keyOf(sql`completed_on`)} AS key
    FROM unnest(${sql.param([...names])}::text[]) AS kind (name) CROSS JOIN LATERAL (
      SELECT name, id, data, retry_count, completed_on FROM ${jobTable}
      WHERE name = kind.name AND state = 'failed' AND ${isOlder}
      ORDER BY completed_on DESC, id DESC LIMIT ${limit}
    ) AS first
    ORDER BY completed_on DESC, id DESC LIMIT ${limit}`);
  return rows.map((row) => ({ ...row, endedAt: new Date(row.endedAt) }));
}

function isAfter(moment: SQL, key: string | null) {
  if (key === null) return sql`true`;
  const [at = "", id = ""] = key.split("/");
  return sql`(${moment}, id) > (${at}::timestamptz, ${id}::uuid)`;
}

/** A job in any state. */
export interface FoundJob {
  readonly job: string;
  readonly id: string;
  readonly state: "created" | "retry" | "active" | "completed" | "cancelled" | "failed";
  readonly payload: unknown;
  readonly output: unknown;
  readonly attempt: number;
  readonly createdAt: Date;
  readonly dueAt: Date;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
}

/** Finds a job, also one that has ended, until the queue removes it. One look into the primary key for each kind. */
export async function findJob(
  db: Database,
  names: readonly string[],
  id: string,
): Promise<FoundJob | undefined> {
  const { rows } = await db.execute<Record<string, unknown>>(sql`
    SELECT name AS job, id, state, data AS payload, output, retry_count + 1 AS attempt, created_on AS "createdAt",
      start_after AS "dueAt", started_on AS "startedAt", completed_on AS "endedAt"
    FROM ${jobTable} WHERE name = ANY(${sql.param([...names])}::text[]) AND id = ${id}`);
  const [found] = rows as unknown as FoundJob[];
  const moment = (value: Date | string | null) => (value === null ? null : new Date(value));
  return (
    found && {
      ...found,
      createdAt: new Date(found.createdAt),
      dueAt: new Date(found.dueAt),
      startedAt: moment(found.startedAt),
      endedAt: moment(found.endedAt),
    }
  );
}

/** Lists the recurring jobs of pg-boss, with their cron expressions in UTC. */
export async function listQueueSchedules(db: Database): Promise<{ job: string; cron: string }[]> {
  const { rows } = await db.execute<{ job: string; cron: string }>(
    sql`SELECT name AS job, cron FROM ${scheduleTable} ORDER BY name`,
  );
  return rows;
}

/** Adds jobs as pg-boss does. Its own statement takes three times as long, because it reads twenty columns per job from JSON. */
import { type SQL, sql } from "drizzle-orm";
import type { Database } from "../postgres/database.ts";
import { type GivenColumns, givenRows } from "../postgres/given-rows.ts";
import { jobTable, queueTable } from "./tables.ts";

export interface NewJob {
  readonly id: string;
  readonly payload: object;
  readonly startAfterSeconds?: number;
  /** Jobs with a higher priority are taken first. */
  readonly priority?: number;
  /** The share that the job counts for, usually that of a user; for contracts that are shared. */
  readonly group?: string;
}

const COLUMNS = {
  id: ["uuid", ({ id }) => id],
  data: ["text", ({ payload }) => JSON.stringify(payload)],
  priority: ["int", ({ priority = 0 }) => priority],
  group_id: ["text", ({ group = null }) => group],
  delay: ["float8", ({ startAfterSeconds = 0 }) => startAfterSeconds],
} satisfies GivenColumns<NewJob>;

/** A queue of pg-boss. */
export interface JobQueue {
  readonly name: string;
  /** On which the name is published if a new job is due. */
  readonly channel: string;
}

/**
 * Adds jobs in the transaction of `db`. A job whose id exists is not added again.
 * @throws Error if the queue does not exist
 */
export async function addJobs(db: Database, queue: JobQueue, jobs: readonly NewJob[]): Promise<void> {
  if (jobs.length === 0) return;
  const { from, value } = givenRows(jobs, COLUMNS, "id");
  const given = sql`
    SELECT id, ${value("data")}::jsonb AS data, ${value("priority")} AS priority, ${value("group_id")} AS group_id,
      now() + make_interval(secs => ${value("delay")}) AS due_at, place
    FROM ${from}`;
  const { rows } = await db.execute<{ isKnown: boolean }>(sql`
    WITH added AS (${insertJobs(queue, given)} ON CONFLICT (name, id) DO NOTHING RETURNING start_after)
    SELECT ${publishDue(queue, sql`added`)} AS "isKnown"`);
  if (!rows[0]?.isKnown) throw unknownQueue(queue);
}

/**
 * Returns the parts of a statement that adds a job for each row that it stores. So PostgreSQL does not get the rows a second time.
 * @param given a query of the jobs: `id`, which must be new, `data`, `priority`, `group_id`, `due_at`; and `place`, their order
 */
export function addingJobs(queue: JobQueue, given: SQL): AddingJobs {
  return {
    insert: sql`${insertJobs(queue, given)} RETURNING start_after`,
    publish: (inserted) => publishDue(queue, inserted),
    unknownQueue: () => unknownQueue(queue),
  };
}

export interface AddingJobs {
  /** For a CTE. */
  readonly insert: SQL;
  /** Returns an expression that wakes workers. It is false if the queue does not exist. @param inserted the CTE */
  readonly publish: (inserted: SQL) => SQL;
  readonly unknownQueue: () => Error;
}

function insertJobs({ name }: JobQueue, given: SQL): SQL {
  return sql`
    INSERT INTO ${jobTable} (id, name, data, priority, start_after, created_on, group_id, expire_seconds, deletion_seconds,
      keep_until, retry_limit, retry_delay, retry_backoff, retry_delay_max, policy, dead_letter, heartbeat_seconds)
    SELECT given.id, queue.name, given.data, given.priority, given.due_at, now(), given.group_id, expire_seconds, deletion_seconds,
      given.due_at + retention_seconds * interval '1 s', retry_limit, retry_delay, coalesce(retry_backoff, false), retry_delay_max,
      policy, dead_letter, heartbeat_seconds
    FROM ${queueTable} AS queue CROSS JOIN (${given}) AS given
    WHERE queue.name = ${name}
    ORDER BY given.place`;
}

function publishDue({ name, channel }: JobQueue, inserted: SQL): SQL {
  const isDue = sql`EXISTS (SELECT FROM ${inserted} WHERE start_after <= now())`;
  return sql`CASE
    WHEN ${isDue} THEN pg_notify(${channel}, ${name}) IS NOT NULL
    ELSE EXISTS (SELECT FROM ${queueTable} WHERE name = ${name}) END`;
}

function unknownQueue({ name }: JobQueue): Error {
  return new Error(`The queue ${name} does not exist. Run the migration.`);
}

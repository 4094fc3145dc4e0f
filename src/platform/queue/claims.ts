/** Statements on running jobs, each of which requires the claim of the worker. pg-boss has no function for some of them. */
import { type SQL, sql } from "drizzle-orm";
import type { Database } from "../postgres/database.ts";
import { type GivenColumns, givenRows } from "../postgres/given-rows.ts";
import type { Later } from "./later.ts";
import { commonJobs } from "./tables.ts";

/** The right of a worker to a job that it has fetched. */
export interface Claim {
  readonly name: string;
  readonly id: string;
  /** Each claim after a failure has a higher number. */
  readonly retryCount: number;
}

/** Thrown if another worker may have taken the job. */
export class ClaimLost extends Error {
  override name = "ClaimLost";
}

const isHeld = ({ name, id, retryCount }: Claim) =>
  sql`name = ${name} AND id = ${id} AND state = 'active' AND retry_count = ${retryCount}`;

/** @throws ClaimLost */
export function completeJob(db: Database, claim: Claim, result: object | undefined): Promise<void> {
  return change(db, claim, sql`state = 'completed', completed_on = now(), output = ${jsonOf(result)}::jsonb`);
}

export interface Completion {
  readonly claim: Claim;
  readonly result: object | undefined;
}

/** Completes jobs of one kind. @returns for each of them whether its claim still held */
export async function completeJobs(
  db: Database,
  name: string,
  completions: readonly Completion[],
): Promise<boolean[]> {
  const ids = completions.map(({ claim }) => claim.id);
  const outputs = sql.param(completions.map(({ result }) => jsonOf(result)));
  const claims = completions.map(({ claim }) => claim);
  const { rows } = await db.execute<{ id: string }>(sql`
    WITH ${heldJobs(name, claims)}
    UPDATE ${commonJobs} AS job SET state = 'completed', completed_on = now(), output = results.output::jsonb
    FROM held JOIN unnest(${sql.param(ids)}::uuid[], ${outputs}::text[]) AS results (id, output) USING (id)
    WHERE ${isHeldJob}
    RETURNING job.id`);
  const completed = new Set(rows.map(({ id }) => id));
  return ids.map((id) => completed.has(id));
}

/** A job that was fetched is as it was before. */
const AS_BEFORE = sql`state = 'created', started_on = NULL, heartbeat_on = NULL`;

/**
 * Returns jobs to the queue that nothing was done for: they are as they were before they were fetched.
 * @param channel on which the name of the queue is published
 */
export async function returnJobs(
  db: Database,
  name: string,
  claims: readonly Claim[],
  channel: string,
): Promise<void> {
  await db.execute(sql`
    WITH ${heldJobs(name, claims)}
    UPDATE ${commonJobs} AS job SET ${AS_BEFORE} FROM held WHERE ${isHeldJob}`);
  await db.execute(sql`SELECT pg_notify(${channel}, ${name})`);
}

/**
 * Selects the jobs whose claims hold, and locks them in one order: statements about the same jobs cannot wait for each other.
 * The name of the queue comes with each claim, because the planner may otherwise expect few jobs of this name, and read all of them.
 */
function heldJobs(name: string, claims: readonly Claim[]) {
  const ids = sql.param(claims.map(({ id }) => id));
  const counts = sql.param(claims.map(({ retryCount }) => retryCount));
  return sql`claims AS MATERIALIZED (
      SELECT ${name}::text AS name, claims.* FROM unnest(${ids}::uuid[], ${counts}::int[]) AS claims (id, retry_count)
    ), held AS MATERIALIZED (
      SELECT job.name, job.id FROM claims JOIN ${commonJobs} AS job USING (name, id, retry_count)
      WHERE job.state = 'active' ORDER BY job.id FOR NO KEY UPDATE OF job
    )`;
}

const isHeldJob = sql`job.name = held.name AND job.id = held.id`;

/** Ends a job for good after a failure. @throws ClaimLost */
export function failForGood(db: Database, claim: Claim, output: object): Promise<void> {
  return change(db, claim, sql`state = 'failed', completed_on = now(), output = ${jsonOf(output)}::jsonb`);
}

export interface PutBack {
  readonly claim: Claim;
  readonly later: Later;
  /** It stays with the job. */
  readonly traceparent: string | null;
}

/**
 * Returns jobs of one kind to the queue without counting a failure. A job that continues precedes jobs of the same priority that have
 * not started, unless it goes behind them, or nothing was done for it.
 * @returns for each of them whether its claim still held
 */
export async function putBackJobs(db: Database, name: string, jobs: readonly PutBack[]): Promise<boolean[]> {
  const ids = jobs.map(({ claim }) => claim.id);
  const claims = jobs.map(({ claim }) => claim);
  const { from, value } = givenRows(jobs, PUT_BACK_COLUMNS, "id");
  const isRaised = sql`(job.data->'putBack' IS NOT NULL)::int`;
  const { rows } = await db.execute<{ id: string }>(sql`
    WITH ${heldJobs(name, claims)}, later AS MATERIALIZED (
      SELECT id, ${value("data")}::jsonb AS data, ${value("seconds")} AS seconds, ${value("is_last")} AS is_last,
        ${value("is_untouched")} AS is_untouched
      FROM ${from}
    )
    UPDATE ${commonJobs} AS job SET ${AS_BEFORE},
      output = CASE WHEN is_untouched THEN job.output END,
      priority = CASE WHEN is_untouched THEN job.priority WHEN is_last THEN job.priority - ${isRaised}
        ELSE job.priority + 1 - ${isRaised} END,
      created_on = CASE WHEN is_last AND NOT is_untouched THEN clock_timestamp() ELSE job.created_on END,
      data = CASE WHEN is_untouched THEN job.data WHEN is_last THEN later.data ELSE later.data || '{"putBack": true}' END,
      start_after = CASE WHEN is_untouched THEN job.start_after ELSE clock_timestamp() + make_interval(secs => seconds) END
    FROM held JOIN later USING (id)
    WHERE ${isHeldJob}
    RETURNING job.id`);
  const returned = new Set(rows.map(({ id }) => id));
  return ids.map((id) => returned.has(id));
}

const PUT_BACK_COLUMNS = {
  id: ["uuid", ({ claim }) => claim.id],
  data: [
    "text",
    ({ later: { payload }, traceparent }) =>
      jsonOf(traceparent === null ? payload : { ...payload, traceparent }),
  ],
  seconds: ["float8", ({ later }) => later.afterSeconds],
  is_last: ["boolean", ({ later }) => later.isLast],
  is_untouched: ["boolean", ({ later }) => later.isUntouched],
} satisfies GivenColumns<PutBack>;

/** @throws ClaimLost */
export async function putBack(db: Database, job: PutBack): Promise<void> {
  const [isReturned] = await putBackJobs(db, job.claim.name, [job]);
  if (!isReturned) throw new ClaimLost("Another worker may have taken the job.");
}

async function change(db: Database, claim: Claim, changes: SQL): Promise<void> {
  const { rows } = await db.execute(
    sql`UPDATE ${commonJobs} SET ${changes} WHERE ${isHeld(claim)} RETURNING id`,
  );
  if (rows.length === 0) throw new ClaimLost("Another worker may have taken the job.");
}

const jsonOf = (value: object | undefined) => (value === undefined ? null : JSON.stringify(value));

/** Records that the workers of jobs of one kind are alive. @returns the ids of the jobs whose claims still hold */
export async function touchJobs(
  db: Database,
  name: string,
  claims: readonly Claim[],
): Promise<ReadonlySet<string>> {
  const { rows } = await db.execute<{ id: string }>(sql`
    WITH ${heldJobs(name, claims)}
    UPDATE ${commonJobs} AS job SET heartbeat_on = now() FROM held WHERE ${isHeldJob}
    RETURNING job.id`);
  return new Set(rows.map(({ id }) => id));
}

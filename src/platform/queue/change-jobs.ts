/** Statements on jobs, whether a worker has claimed them or not. */
import { sql } from "drizzle-orm";
import type { Database } from "../postgres/database.ts";
import { commonJobs, jobTable } from "./tables.ts";

/** Removes jobs in any state. It locks them in the same order as the statements about claims. */
export async function removeJobs(db: Database, name: string, ids: readonly string[]): Promise<void> {
  await db.execute(sql`
    WITH held AS MATERIALIZED (
      SELECT name, id FROM ${commonJobs} WHERE name = ${name} AND id = ANY(${sql.param([...ids])}::uuid[])
      ORDER BY id FOR UPDATE
    )
    DELETE FROM ${commonJobs} AS job USING held WHERE job.name = held.name AND job.id = held.id`);
}

/**
 * Makes waiting jobs due now.
 * @param channel on which the name of the queue is published
 * @returns the ids of the jobs that were due later
 */
export async function makeDue(
  db: Database,
  name: string,
  ids: readonly string[],
  channel: string,
): Promise<string[]> {
  const { rows } = await db.execute<{ id: string }>(sql`
    UPDATE ${jobTable} SET start_after = now()
    WHERE name = ${name} AND id = ANY(${sql.param(ids)}::uuid[]) AND state < 'active' AND start_after > now()
    RETURNING id`);
  await db.execute(sql`SELECT pg_notify(${channel}, ${name})`);
  return rows.map(({ id }) => id);
}

/** Lets jobs that an older version has enqueued be delivered as often as those of this version. */
export async function raiseRetryLimit(db: Database, name: string, retryLimit: number): Promise<void> {
  await db.execute(sql`
    UPDATE ${jobTable} SET retry_limit = ${retryLimit} WHERE name = ${name} AND state <= 'active' AND retry_limit < ${retryLimit}`);
}

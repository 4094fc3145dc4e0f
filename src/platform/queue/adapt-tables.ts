/** Rowmill changes tables of pg-boss. Programs work with and without these changes. */
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import type { Log } from "../log.ts";
import { buildIndexes } from "../postgres/build-indexes.ts";
import { postgresError } from "../postgres/database.ts";
import { liftTimeLimits } from "../postgres/time-limits.ts";
import { SQLSTATE } from "../sqlstates.ts";
import { COMMON_JOBS } from "./tables.ts";

/** For lists of failed jobs, beside the indexes of pg-boss. A job that does not fail is never in it. */
const FAILED_JOBS_INDEX = `CREATE INDEX IF NOT EXISTS "job_failed" ON ${COMMON_JOBS} USING btree (name, completed_on, id) WHERE state = 'failed'`;

/** For lists of scheduled jobs. A job that can start when it is created is never in it. */
const SCHEDULED_JOBS_INDEX = `CREATE INDEX IF NOT EXISTS "job_scheduled" ON ${COMMON_JOBS} USING btree (name, start_after, id) WHERE state < 'active' AND NOT blocked AND start_after > created_on`;

export const QUEUE_INDEXES = [FAILED_JOBS_INDEX, SCHEDULED_JOBS_INDEX];

/** How long others wait behind the migration, and how often it tries. */
const LOCK_TIMEOUT = "1s";
const LOCK_ATTEMPTS = 30;
const LOCK_PAUSE_MS = 1000;

/**
 * Safe to repeat, and to run twice at the same time. The client must not be in a transaction.
 * @param connect opens another connection to the same database
 */
export async function adaptQueueTables(
  client: pg.Client,
  connect: () => Promise<pg.Client>,
  log: Log,
  lockAttempts = LOCK_ATTEMPTS,
): Promise<void> {
  await buildIndexes(client, connect, QUEUE_INDEXES, log);
  for (let attempt = 1; attempt <= lockAttempts; attempt++) {
    if (await dropForeignKeys(client)) return;
    if (attempt < lockAttempts) await sleep(LOCK_PAUSE_MS);
  }
  log.warn("the foreign keys of jobs stay, because others use the table all the time; jobs are added slower");
}

/**
 * A foreign key makes PostgreSQL look up the queue of each new job, which takes 4 µs and locks the row of the queue. The statements
 * that add jobs read that row anyway, and no program of Rowmill deletes a queue.
 * @returns false if others use the table, so that nothing was dropped
 */
async function dropForeignKeys(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT quote_ident(conname) AS name FROM pg_constraint WHERE conrelid = $1::regclass AND contype = 'f'`,
    [COMMON_JOBS],
  );
  if (rows.length === 0) return true;
  const dropped = rows.map(({ name }) => `DROP CONSTRAINT IF EXISTS ${name}`).join(", ");
  await client.query("BEGIN");
  try {
    await liftTimeLimits(client);
    await client.query(`SET LOCAL lock_timeout = '${LOCK_TIMEOUT}'`);
    await client.query(`ALTER TABLE ${COMMON_JOBS} ${dropped}`);
    await client.query("COMMIT");
    return true;
  } catch (error) {
    await client.query("ROLLBACK");
    const { code } = postgresError(error) ?? {};
    if (code === SQLSTATE.lockNotAvailable || code === SQLSTATE.deadlockDetected) return false;
    throw error;
  }
}

/**
 * Makes a table partitioned by day, also if it has rows and programs use it: the table becomes the partition of all days before a
 * boundary. PostgreSQL trusts a CHECK instead of reading the rows again, and their indexes stay. The CHECK is proved while others
 * read and write; only the exchange of the tables stops them, for milliseconds.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { rowmill } from "../../../schema/columns.ts";
import { DAY_MS } from "../../durations.ts";
import { timeOfUuidV7 } from "../../ids.ts";
import type { Log } from "../../log.ts";
import { SQLSTATE } from "../../sqlstates.ts";
import { postgresError } from "../database.ts";
import { liftTimeLimits } from "../time-limits.ts";
import { DAYS_OF_LOST_PROOF, isPartitioned, partitionBefore } from "./day-partitions.ts";
import {
  boundaryOf,
  exchangeTables,
  findObstacles,
  findProof,
  firstIdOf,
  newBoundary,
  type PartitionedTable,
  type Proof,
  startOfDay,
} from "./exchange-tables.ts";

const SCHEMA = rowmill.schemaName;

/** A CHECK of a migration that was killed is used again if nobody removes it meanwhile. */
const MIN_DAYS_TO_BOUNDARY = DAYS_OF_LOST_PROOF + 1;

/** How long others wait behind the migration, and how often it tries. */
const LOCK_TIMEOUT = "2s";
const LOCK_ATTEMPTS = 60;
const LOCK_PAUSE_MS = 1000;

interface Options {
  readonly now: Date;
  readonly log: Log;
  /** The key of the lock of migrations. */
  readonly migrationLock: number;
  /** Absent: LOCK_ATTEMPTS. */
  readonly lockAttempts?: number;
}

/**
 * Safe to repeat, and to run twice at the same time. All programs work with either form of the table, so it gives up if others use
 * the table all the time.
 * @returns whether the table is partitioned
 */
export async function partitionByDay(
  client: pg.Client,
  table: PartitionedTable,
  options: Options,
): Promise<boolean> {
  const { log, lockAttempts = LOCK_ATTEMPTS } = options;
  if (await isPartitioned(client, table.name)) return true;
  const obstacles = await findObstacles(client, table);
  if (obstacles.length > 0) {
    log.warn({ table: table.name, obstacles }, "the table gets no partitions as long as others depend on it");
    return false;
  }
  for (let attempt = 1; attempt <= lockAttempts; attempt++) {
    try {
      await prove(client, table, options);
      if (await locked(client, options, () => exchangeTables(client, table))) return true;
      // The table was empty before, and has rows now.
    } catch (error) {
      if (!isInTheWay(error)) {
        await forgetProof(client, table, options).catch(() => {}); // The first error says more.
        throw error;
      }
      if (attempt < lockAttempts) await sleep(LOCK_PAUSE_MS);
    }
  }
  await forgetProof(client, table, options).catch((error) => {
    if (!isInTheWay(error)) throw error;
  });
  log.warn(
    { table: table.name },
    "the table gets no partitions now: others use it all the time. Migrate again without backups and large atomic batches",
  );
  return false;
}

const isInTheWay = (error: unknown) =>
  ([SQLSTATE.lockNotAvailable, SQLSTATE.deadlockDetected] as (string | undefined)[]).includes(
    postgresError(error)?.code,
  );

/** Runs `fn` in a transaction that waits for locks no longer than others may wait behind it. */
async function locked<T>(client: pg.Client, { migrationLock }: Options, fn: () => Promise<T>): Promise<T> {
  await client.query("BEGIN");
  try {
    await liftTimeLimits(client);
    await client.query("SELECT pg_advisory_xact_lock($1)", [migrationLock]);
    await client.query(`SET LOCAL lock_timeout = '${LOCK_TIMEOUT}'`);
    const result = await fn();
    await client.query("COMMIT");
    return result;
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  }
}

/** Adds the CHECK of the boundary and proves it, in two transactions. A table without rows needs none. */
async function prove(client: pg.Client, table: PartitionedTable, options: Options): Promise<void> {
  const added = await locked(client, options, () => addProof(client, table, options.now));
  if (!added || added.isProved) return;
  options.log.info({ table: table.name }, "reading the table once to prepare its partitions; others go on");
  await locked(client, options, async () => {
    await client.query("SET LOCAL lock_timeout = 0"); // Nobody waits behind this one.
    const proof = await findProof(client, table.name);
    // Another migration may have finished meanwhile.
    if (proof && !proof.isProved)
      await client.query(`ALTER TABLE ${SCHEMA}.${table.name} VALIDATE CONSTRAINT ${proof.name}`);
  });
}

async function addProof(
  client: pg.Client,
  { name, key }: PartitionedTable,
  now: Date,
): Promise<Proof | null> {
  if (await isPartitioned(client, name)) return null;
  const { rows } = await client.query<{ last: string }>(
    `SELECT ${key} AS last FROM ${SCHEMA}.${name} ORDER BY ${key} DESC LIMIT 1`,
  );
  if (!rows[0]) return null;
  const found = await findProof(client, name);
  const today = startOfDay(now);
  if (found && boundaryOf(found) >= today + MIN_DAYS_TO_BOUNDARY * DAY_MS) return found;
  if (found) await client.query(`ALTER TABLE ${SCHEMA}.${name} DROP CONSTRAINT ${found.name}`);
  // A clock may have been wrong.
  const afterLast = startOfDay(timeOfUuidV7(rows[0].last)) + DAY_MS;
  const boundary = new Date(Math.max(newBoundary(now), afterLast));
  const proof = partitionBefore(name, boundary);
  const check = `CHECK (${key} < '${firstIdOf(boundary)}')`;
  await client.query(`ALTER TABLE ${SCHEMA}.${name} ADD CONSTRAINT ${proof} ${check} NOT VALID`);
  return { name: proof, isProved: false };
}

/** Without the exchange, the table must take the rows of all days. */
async function forgetProof(client: pg.Client, { name }: PartitionedTable, options: Options): Promise<void> {
  await locked(client, options, async () => {
    const proof = await findProof(client, name);
    if (proof) await client.query(`ALTER TABLE ${SCHEMA}.${name} DROP CONSTRAINT ${proof.name}`);
  });
}

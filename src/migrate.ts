/** Migrates the database to this version: Rowmill's tables, pg-boss's tables, and the queues. */
import { fileURLToPath } from "node:url";
import { type MigrationMeta, readMigrationFiles } from "drizzle-orm/migrator";
import pg from "pg";
import type { Config } from "./config/config.ts";
import { ConfigError } from "./errors.ts";
import { jobs } from "./jobs.ts";
import type { Log } from "./platform/log.ts";
import { protectRows } from "./platform/postgres/append-only.ts";
import { buildIndexes } from "./platform/postgres/build-indexes.ts";
import { ChangeListener } from "./platform/postgres/change-listener.ts";
import { postgresError } from "./platform/postgres/database.ts";
import { distributeTables } from "./platform/postgres/distribute-tables.ts";
import { moveFromPublic, warnOfOldTables } from "./platform/postgres/move-from-public.ts";
import {
  createDayPartitions,
  createPartitionFunctions,
} from "./platform/postgres/partitions/day-partitions.ts";
import { partitionByDay } from "./platform/postgres/partitions/partition-by-day.ts";
import { createSchemas, grantsToMigrate } from "./platform/postgres/schemas.ts";
import { liftTimeLimits } from "./platform/postgres/time-limits.ts";
import { adaptQueueTables } from "./platform/queue/adapt-tables.ts";
import { PgBossQueue } from "./platform/queue/queue.ts";
import { SQLSTATE } from "./platform/sqlstates.ts";
import { AUDIT_LOG } from "./schema/audit.ts";
import { DAY_TABLES, ROW_TABLES } from "./schema/day-tables.ts";
import { REQUEST_LOG } from "./schema/request-log.ts";
import { LATER_JOBS_INDEX } from "./schema/tasks.ts";

const migrationsFolder = fileURLToPath(new URL("../drizzle", import.meta.url));

/** The key of the lock that lets only one migration run at a time: "rowm" in ASCII. */
const MIGRATION_LOCK = 0x726f776d;

/** The oldest version on which the tests are run. */
export const OLDEST_POSTGRES = 15;

/** How often a migration is attempted if deadlocks end it. */
const MAX_ATTEMPTS = 20;

/** How often a migration that waits says for which sessions. */
const WAIT_REPORT_MS = 5000;

/**
 * Safe to run twice, also at the same time.
 * @param count the number of migrations to apply; absent: all
 * @throws ConfigError if the server is too old or the role lacks privileges
 */
export async function migrateDatabase(config: Config, log: Log, count?: number): Promise<void> {
  const client = await connect(config, log);
  let reports: NodeJS.Timeout | undefined;
  try {
    await requireSupportedVersion(client);
    await requireGrants(client);
    const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    reports = setInterval(() => reportWait(rows[0]?.pid, config, log), WAIT_REPORT_MS);
    const pending = await pendingStatements(client, count);
    await buildIndexes(client, () => connect(config, log), pending, log);
    for (let attempt = 1; !(await hasMigrated(client, log, { attempt, count })); attempt++);
    if (count === undefined) {
      await buildIndexes(client, () => connect(config, log), [LATER_JOBS_INDEX], log);
      await partitionTables(client, log);
    }
    if (config.databaseBackend === "citus" && count === undefined)
      await distributeTables(client, MIGRATION_LOCK, log);
  } finally {
    clearInterval(reports);
    await client.end();
  }
  const queue = new PgBossQueue(config, "migrate", 2, new ChangeListener(config, false, log), log);
  await queue.start();
  try {
    await queue.declare(Object.values(jobs));
  } finally {
    await queue.stop(1000);
  }
  await adaptQueue(config, log);
}

async function connect({ databaseUrl }: Config, log: Log): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: "rowmill-migrate" });
  // Without a listener a lost connection would end the process. The running statement fails anyway.
  client.on("error", (error) => log.warn({ err: error }, "the connection of the migration was lost"));
  await client.connect();
  return client;
}

/** Not a part of the migrations, which precede the tables of pg-boss. */
async function adaptQueue(config: Config, log: Log): Promise<void> {
  const client = await connect(config, log);
  try {
    await adaptQueueTables(client, () => connect(config, log), log);
  } finally {
    await client.end();
  }
}

/** Not a part of the migrations: a table with rows needs several transactions, and programs work with either form of it. */
async function partitionTables(client: pg.Client, log: Log): Promise<void> {
  const now = new Date();
  for (const table of DAY_TABLES)
    await partitionByDay(client, table, { now, log, migrationLock: MIGRATION_LOCK });
  await createDayPartitions(client, [REQUEST_LOG, ...ROW_TABLES], now);
}

/**
 * Migrates the tables in one transaction. Programs that still run lock the same tables in another order.
 * @returns false after a deadlock, which has changed nothing
 */
async function hasMigrated(
  client: pg.Client,
  log: Log,
  { attempt, count }: { attempt: number; count: number | undefined },
): Promise<boolean> {
  await client.query("BEGIN");
  try {
    await liftTimeLimits(client);
    await client.query("SELECT pg_advisory_xact_lock($1)", [MIGRATION_LOCK]);
    await migrateTables(client, log, count);
    if (count === undefined) {
      await createPartitionFunctions(client);
      await protectRows(client, AUDIT_LOG);
    }
    await client.query("COMMIT");
    return true;
  } catch (error) {
    if (postgresError(error)?.code !== SQLSTATE.deadlockDetected || attempt === MAX_ATTEMPTS) throw error;
    await client.query("ROLLBACK");
    log.warn("another session and the migration waited for each other; migrating again");
    return false;
  }
}

/** Warns if a lock of other sessions stops the migration, such as those of a version that still runs. */
async function reportWait(pid: number | undefined, config: Config, log: Log): Promise<void> {
  const observer = new pg.Client({
    connectionString: config.databaseUrl,
    application_name: "rowmill-migrate",
  });
  observer.on("error", () => {});
  try {
    await observer.connect();
    const { rows: sessions } = await observer.query<{ pid: number; program: string }>(
      `SELECT blocker.pid, blocker.application_name AS program
      FROM pg_stat_activity AS waiting, unnest(pg_blocking_pids(waiting.pid)) AS blocking(pid)
      JOIN pg_stat_activity AS blocker USING (pid) WHERE waiting.pid = $1`,
      [pid],
    );
    if (sessions.length > 0)
      log.warn({ sessions }, "the migration waits for other sessions; stop these programs");
  } catch (error) {
    log.debug({ err: error }, "the sessions that block the migration are unknown");
  } finally {
    await observer.end();
  }
}

/** Applies drizzle's migrations. Drizzle's own migrator always needs CREATE on the database. */
async function migrateTables(client: pg.Client, log: Log, count: number | undefined): Promise<void> {
  await createSchemas(client);
  await client.query(
    "CREATE TABLE IF NOT EXISTS rowmill.__drizzle_migrations (id serial PRIMARY KEY, hash text NOT NULL, created_at bigint)",
  );
  const migrations = readMigrationFiles({ migrationsFolder }).slice(0, count);
  const isInstalled = (await appliedMigrations(client)).size > 0;
  if (isInstalled) await warnOfOldTables(client, migrations, log);
  const moved = isInstalled ? [] : await moveFromPublic(client, migrations, log);
  for (const migration of moved) await record(client, migration);
  const applied = await appliedMigrations(client);
  for (const migration of migrations.filter(({ hash }) => !applied.has(hash))) {
    for (const statement of migration.sql) await client.query(statement);
    await record(client, migration);
  }
}

async function record(client: pg.Client, { hash, folderMillis }: MigrationMeta): Promise<void> {
  const insert = "INSERT INTO rowmill.__drizzle_migrations (hash, created_at) VALUES ($1, $2)";
  await client.query(insert, [hash, folderMillis]);
}

async function appliedMigrations(client: Pick<pg.Client, "query">): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ hash: string }>("SELECT hash FROM rowmill.__drizzle_migrations");
  return new Set(rows.map(({ hash }) => hash));
}

/** Returns the statements of the migrations that an installation lacks; empty for a new one, whose tables have no rows. */
async function pendingStatements(client: pg.Client, count: number | undefined): Promise<string[]> {
  const applied = await migrationsOf(client);
  if (applied.size === 0) return [];
  const migrations = readMigrationFiles({ migrationsFolder }).slice(0, count);
  return migrations.filter(({ hash }) => !applied.has(hash)).flatMap(({ sql }) => sql);
}

/** Returns the hashes of this version's migrations, in their order. */
export function knownMigrations(): string[] {
  return readMigrationFiles({ migrationsFolder }).map(({ hash }) => hash);
}

/** Returns the hashes of the migrations of a database; empty if it has no tables of Rowmill. */
export async function migrationsOf(client: Pick<pg.Client, "query">): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ table: string | null }>(
    `SELECT to_regclass('rowmill.__drizzle_migrations')::text AS "table"`,
  );
  return rows[0]?.table ? appliedMigrations(client) : new Set();
}

/** Returns the number of this version's migrations that the database lacks. */
export async function pendingMigrations(pool: Pick<pg.Pool, "query">): Promise<number> {
  const applied = await migrationsOf(pool);
  return knownMigrations().filter((hash) => !applied.has(hash)).length;
}

/** @throws ConfigError if the server is too old or migrations are missing: no program runs with tables of another version */
export async function requireMigrated(pool: pg.Pool): Promise<void> {
  await requireSupportedVersion(pool);
  const pending = await pendingMigrations(pool);
  if (pending > 0) {
    throw new ConfigError(
      `DATABASE_URL: the database lacks ${pending} migration(s). Run: npm run cli -- migrate`,
    );
  }
}

/** Returns the version as the server names it, and whether Rowmill runs on it. */
export async function readServerVersion(
  client: Pick<pg.Pool, "query">,
): Promise<{ version: string; isSupported: boolean }> {
  const { rows } = await client.query<{ version: string }>(
    "SELECT current_setting('server_version') AS version",
  );
  const version = rows[0]?.version ?? "";
  return { version, isSupported: Number.parseInt(version, 10) >= OLDEST_POSTGRES };
}

async function requireSupportedVersion(client: Pick<pg.Pool, "query">): Promise<void> {
  const { version, isSupported } = await readServerVersion(client);
  if (!isSupported) {
    throw new ConfigError(
      `DATABASE_URL: the server is PostgreSQL ${version}. Rowmill needs PostgreSQL ${OLDEST_POSTGRES} or later.`,
    );
  }
}

async function requireGrants(client: pg.Client): Promise<void> {
  const grants = await grantsToMigrate(client);
  if (grants.length === 0) return;
  throw new ConfigError(
    `DATABASE_URL: the role may not create Rowmill's schemas or tables. As the owner of the database, run: ${grants.join(" ")}`,
  );
}

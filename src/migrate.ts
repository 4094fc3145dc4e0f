/** Brings the database up to this version: our tables, the queue's tables, the queues. Safe to run twice at once. */
import { fileURLToPath } from "node:url";
import { readMigrationFiles } from "drizzle-orm/migrator";
import { drizzle } from "drizzle-orm/node-postgres";
import { migrate } from "drizzle-orm/node-postgres/migrator";
import pg from "pg";
import type { Config } from "./config.ts";
import { ConfigError } from "./errors.ts";
import { jobs } from "./jobs.ts";
import type { Log } from "./platform/log.ts";
import { PgBossQueue } from "./platform/queue/queue.ts";

const migrationsFolder = fileURLToPath(new URL("../drizzle", import.meta.url));

/** Names the lock that keeps two migrations apart: "rowmill" in ASCII, cut to a 32-bit integer. */
const MIGRATION_LOCK = 0x726f776d;

const OLDEST_POSTGRES = 150_000;

export async function migrateDatabase(config: Config, log: Log): Promise<void> {
  const client = new pg.Client({ connectionString: config.databaseUrl, application_name: "rowmill-migrate" });
  // Without a listener a lost connection would end the process; the statement under way fails as it is.
  client.on("error", (error) => log.warn({ err: error }, "the migration's connection was lost"));
  await client.connect();
  try {
    await requireSupportedVersion(client, config);
    const hasAdvisoryLocks = config.databaseBackend === "postgres" || config.databaseBackend === "citus";
    if (hasAdvisoryLocks) await client.query("SELECT pg_advisory_lock($1)", [MIGRATION_LOCK]);
    await migrate(drizzle({ client }), { migrationsFolder });
    const queue = new PgBossQueue(config, config.databaseUrl, "migrate", 2, log);
    await queue.start();
    try {
      await queue.declare(Object.values(jobs));
    } finally {
      await queue.stop(1000);
    }
  } finally {
    await client.end();
  }
}

/** How many of this version's migrations the database lacks. */
export async function pendingMigrations(pool: pg.Pool): Promise<number> {
  const known = readMigrationFiles({ migrationsFolder });
  const { rows } = await pool.query<{ table: string | null }>(
    `SELECT to_regclass('drizzle.__drizzle_migrations')::text AS "table"`,
  );
  if (!rows[0]?.table) return known.length;
  const applied = await pool.query<{ hash: string }>("SELECT hash FROM drizzle.__drizzle_migrations");
  const hashes = new Set(applied.rows.map(({ hash }) => hash));
  return known.filter(({ hash }) => !hashes.has(hash)).length;
}

/** @throws ConfigError where migrations are missing, so that no program runs on tables that it does not know */
export async function requireMigrated(pool: pg.Pool): Promise<void> {
  const pending = await pendingMigrations(pool);
  if (pending > 0) {
    throw new ConfigError(
      `DATABASE_URL: the database lacks ${pending} migration(s); run: npm run cli -- migrate`,
    );
  }
}

async function requireSupportedVersion(client: pg.Client, config: Config): Promise<void> {
  if (config.databaseBackend === "cockroachdb") return;
  const { rows } = await client.query<{ version: number; shown: string }>(
    "SELECT current_setting('server_version_num')::int AS version, current_setting('server_version') AS shown",
  );
  const [server] = rows;
  if (server && server.version < OLDEST_POSTGRES) {
    throw new ConfigError(`DATABASE_URL: the server is PostgreSQL ${server.shown}; 15 or later is needed.`);
  }
}

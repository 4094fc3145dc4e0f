/** Databases as a migration finds them. */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { PgBoss } from "pg-boss";
import { inject, onTestFinished } from "vitest";
import { diagnose } from "../../src/cli/doctor.ts";
import { loadConfig } from "../../src/config/config.ts";
import { migrateDatabase } from "../../src/migrate.ts";
import { createLog } from "../../src/platform/log.ts";
import { openPool } from "../../src/platform/postgres/database.ts";
import { checkout } from "./commands.ts";
import { create, databaseUrl, drop, onServer } from "./postgres.ts";

const DUMPED_AT = "2026-11-25T20:34:35Z";

/** An empty database, dropped at the end of the test. */
export async function emptyDatabase(): Promise<string> {
  const serverUrl = inject("serverUrl");
  const name = `rowmill_empty_${randomBytes(6).toString("hex")}`;
  await create(serverUrl, name);
  onTestFinished(() => drop(serverUrl, name));
  return databaseUrl(serverUrl, name);
}

/** Fills a database with what version 0.3.0 left in it a moment ago. */
export async function loadOldVersion(url: string): Promise<void> {
  const dump = readFileSync(join(checkout, "test/fixtures/rowmill-0.3.0.sql"), "utf8");
  // Bounds of partitions, which have no fractions of a second, stay.
  const moment = /'(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+)\+00'/g;
  const passedMs = Date.now() - Date.parse(DUMPED_AT);
  const shifted = dump.replace(
    moment,
    (_, at) => `'${new Date(Date.parse(`${at}Z`) + passedMs).toISOString()}'`,
  );
  await onServer(url, shifted);
}

/** @param count the number of migrations; absent: all */
export function migrate(url: string, count?: number): Promise<void> {
  const config = loadConfig({ DATABASE_URL: url, JWT_SECRET: "x".repeat(32) });
  return migrateDatabase(config, createLog({ logLevel: "silent" }, "test"), count);
}

export async function onDatabase<T>(url: string, fn: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await fn(client);
  } finally {
    await client.end();
  }
}

/** The columns of a schema's tables, by table. */
export async function columnsOf(url: string, schema: string): Promise<Record<string, string[]>> {
  const { rows } = await onDatabase(url, (client) =>
    client.query<{ table: string; columns: string[] }>(
      `SELECT relname AS table, array_agg(attname::text ORDER BY attnum) AS columns
        FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
        WHERE relnamespace = $1::text::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition GROUP BY relname`,
      [schema],
    ),
  );
  return Object.fromEntries(rows.map(({ table, columns }) => [table, columns]));
}

/**
 * Every row of a schema's tables, as text: two of these are equal if nothing was lost or changed.
 * @param columns those to read, by table; absent: all
 */
export async function contentsOf(
  url: string,
  schema: string,
  columns?: Record<string, string[]>,
): Promise<Record<string, string[]>> {
  const tables = Object.entries(columns ?? (await columnsOf(url, schema)));
  return onDatabase(url, async (client) => {
    const contents: Record<string, string[]> = {};
    for (const [table, names] of tables) {
      const list = names.map((name) => `"${name}"`).join();
      const { rows } = await client.query<{ row: string }>(
        `SELECT content::text AS row FROM (SELECT ${list} FROM "${schema}"."${table}") AS content ORDER BY 1`,
      );
      contents[table] = rows.map(({ row }) => row);
    }
    return contents;
  });
}

/** Describes the tables, types and functions of these schemas, one line each. Partitions depend on the day. */
export function definitionsOf(url: string, schemas: readonly string[]): Promise<string[]> {
  return onDatabase(url, async (client) => {
    const { rows } = await client.query<{ line: string }>(
      `WITH relation AS (
        SELECT oid, oid::regclass::text AS name, relkind FROM pg_class
        WHERE relnamespace = ANY($1::text[]::regnamespace[]) AND relname !~ 'queue_stats_[0-9]+|__drizzle' AND NOT relispartition
      )
      SELECT concat_ws(' ', name, attnum, attname, format_type(atttypid, atttypmod), attnotnull, attidentity, attstorage,
          pg_get_expr(adbin, adrelid)) AS line
        FROM relation JOIN pg_attribute ON attrelid = relation.oid AND attnum > 0 AND NOT attisdropped
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE relkind IN ('r', 'p', 'S')
      UNION ALL SELECT concat_ws(' ', name, conname, pg_get_constraintdef(pg_constraint.oid))
        FROM relation JOIN pg_constraint ON conrelid = relation.oid AND contype <> 'n'
      UNION ALL SELECT pg_get_indexdef(oid) FROM relation WHERE relkind IN ('i', 'I')
      UNION ALL SELECT concat_ws(' ', name, seqtypid::regtype, seqstart, seqincrement, seqmax, seqcache)
        FROM relation JOIN pg_sequence ON seqrelid = relation.oid
      UNION ALL SELECT concat_ws(' ', enumtypid::regtype, enumsortorder, enumlabel) FROM pg_enum
        JOIN pg_type ON pg_type.oid = enumtypid WHERE typnamespace = ANY($1::text[]::regnamespace[])
      UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = ANY($1::text[]::regnamespace[])
      ORDER BY 1`,
      [schemas],
    );
    return rows.map(({ line }) => line);
  });
}

/** An application's own pg-boss, in the schema that pg-boss uses by default. */
export async function startOtherBoss(url: string): Promise<PgBoss> {
  const boss = new PgBoss(url);
  boss.on("error", () => {}); // The end of the test ends its database.
  await boss.start();
  onTestFinished(() => boss.stop({ graceful: false }));
  return boss;
}

/** Returns the problems that `npm run cli -- doctor` finds. */
export async function problemsOf(url: string): Promise<string[]> {
  const config = loadConfig({ DATABASE_URL: url, JWT_SECRET: "x".repeat(32) });
  const pool = openPool(url, 2, createLog({ logLevel: "silent" }, "test"));
  try {
    const { findings } = await diagnose(config, pool);
    return findings.filter(({ level }) => level === "problem").map(({ text }) => text);
  } finally {
    await pool.end();
  }
}

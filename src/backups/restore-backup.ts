/** Restores a backup into an empty database. A restore that fails changes no table. */
import { createReadStream } from "node:fs";
import pg from "pg";
import packageJson from "../../package.json" with { type: "json" };
import { insertEntries } from "../audit/record-audit.ts";
import type { Config } from "../config/config.ts";
import { ConfigError } from "../errors.ts";
import { knownMigrations, migrateDatabase, migrationsOf } from "../migrate.ts";
import type { Log } from "../platform/log.ts";
import { connectionLimits, databaseOn } from "../platform/postgres/database.ts";
import { commandLine } from "../platform/process/command-line.ts";
import { excludedTables, listTables, quote } from "./catalogue.ts";
import { BackupDamaged, type Header, type Manifest, type Section } from "./format.ts";
import { loadTables } from "./load-tables.ts";
import { readBackup } from "./read-lines.ts";

/**
 * Checks the whole file before it changes anything. The tables get the version of the backup first, and the latest version
 * after the rows are loaded.
 * @param onTable called for each restored table
 * @throws ConfigError if the file is damaged or made by a newer version, or if the database is not empty
 */
export async function restoreBackup(
  config: Config,
  log: Log,
  path: string,
  onTable: (section: Section) => void,
): Promise<{ header: Header; manifest: Manifest }> {
  const { header, manifest } = await explained(path, () => readBackup(createReadStream(path)));
  const contained = new Set(manifest.tables.map(({ name }) => name));
  // During a rolling upgrade, an older version also backs up tables that it does not know.
  const excluded = excludedTables(false).filter((name) => !contained.has(name));
  requireKnown(path, header);
  const client = await connect(config, log);
  try {
    await requireNoPrograms(client);
    const applied = await migrationsOf(client);
    if (applied.size === 0) await migrateDatabase(config, log, header.migrations.length);
    else requireSame(header, applied);
    const restored = await explained(path, () =>
      loadTables(client, excluded, createReadStream(path), onTable),
    );
    await migrateDatabase(config, log);
    // Without statistics, the first batches would be slow.
    for (const { name } of await listTables(client, excluded))
      await client.query(`ANALYZE rowmill.${quote(name)}`);
    await recordRestore(client, restored.header);
    return restored;
  } finally {
    await client.end();
  }
}

async function recordRestore(client: pg.Client, { id, created_at }: Header): Promise<void> {
  const acting = {
    db: databaseOn(client),
    actor: null,
    requestId: null,
    address: null,
    commandLine: commandLine(),
  };
  const subject = { type: "backup", id };
  await insertEntries(acting, [{ action: "backup.restored", subject, details: { created_at } }]);
}

async function connect({ databaseUrl }: Config, log: Log): Promise<pg.Client> {
  const { query_timeout: _, statement_timeout: __, ...limits } = connectionLimits;
  const client = new pg.Client({
    ...limits,
    connectionString: databaseUrl,
    application_name: "rowmill-restore",
  });
  client.on("error", (error) => log.warn({ err: error }, "the connection of the restore was lost"));
  await client.connect();
  return client;
}

function requireKnown(path: string, { version, migrations }: Header): void {
  const known = knownMigrations();
  if (migrations.length > 0 && migrations.every((hash, at) => hash === known[at])) return;
  throw new ConfigError(
    `${path}: Rowmill ${version} made the backup, with tables that Rowmill ${packageJson.version} does not know. ` +
      `Install Rowmill ${version} and restore with it.`,
  );
}

/** A database that is migrated already must have the tables of the backup. */
function requireSame({ version, migrations }: Header, applied: ReadonlySet<string>): void {
  if (applied.size === migrations.length && migrations.every((hash) => applied.has(hash))) return;
  throw new ConfigError(
    `DATABASE_URL: the tables have another version than those of the backup, which Rowmill ${version} made. ` +
      "Restore into a new database: the restore creates the tables and migrates the rows.",
  );
}

async function requireNoPrograms(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ program: string }>(
    `SELECT DISTINCT application_name AS program FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE 'rowmill%' ORDER BY 1`,
  );
  if (rows.length === 0) return;
  const programs = rows.map(({ program }) => program).join(", ");
  throw new ConfigError(
    `DATABASE_URL: programs are connected to the database (${programs}). Stop every API and worker first.`,
  );
}

async function explained<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof BackupDamaged)
      throw new ConfigError(`${path}: ${error.message} Nothing was restored.`, { cause: error });
    if (error instanceof Error && "code" in error && error.code === "ENOENT")
      throw new ConfigError(`${path}: the file does not exist.`, { cause: error });
    throw error;
  }
}

/** Moves the tables of version 0.3.0 or older from `public` into the schemas of this version. */
import type { MigrationMeta } from "drizzle-orm/migrator";
import type pg from "pg";
import { ConfigError } from "../../errors.ts";
import { QUEUE_SCHEMA } from "../../schema/columns.ts";
import type { Log } from "../log.ts";

/** SHA-256 of the first migrations in version 0.3.0, which wrote to `public` and otherwise were the same. */
const HASHES_IN_PUBLIC = [
  "e978dad1e12fd0e653011fc6529c89652d1c0df7039e8dc396e7ef2cacfe5405",
  "480fea19582f87aea19ad52791cf633b690317019a541aedd50f7eeae62a9068",
  "27bc2889f14f397ec9a11afddc0daca8236b31aacf9c93a61f45dd0db523caa6",
];

const OLD_QUEUE_SCHEMA = "pgboss";

/** The queues of version 0.3.0. */
const OLD_QUEUES = [
  ...["batch.process-chunk", "batch.process-whole", "batch.undo", "batch.finished"],
  ...["task.bulk-processing", "task.file-processing", "task.default", "task.notifications"],
  ...["upkeep.reconcile", "upkeep.clean"],
];

/**
 * Runs in the transaction of the migration, with the new schemas in place. The application that shares the database may
 * have a table `users`, a pg-boss and a journal of drizzle: only what is Rowmill's is moved.
 * @param migrations those of this version, from the first
 * @returns the migrations whose tables are there now
 * @throws ConfigError if version 0.3.0 is installed and the role may not change its journal
 */
export async function moveFromPublic(
  client: pg.Client,
  migrations: readonly MigrationMeta[],
  log: Log,
): Promise<readonly MigrationMeta[]> {
  const applied = await readJournal(client, migrations);
  const isHidden = applied.size === 0 && (await hidesOldTables(client, migrations));
  if (applied.size === 0 && !isHidden) return [];
  if (isHidden || !(await may(client, "DELETE", "drizzle", "__drizzle_migrations"))) {
    throw new ConfigError(
      "DATABASE_URL: the role may not move the tables of version 0.3.0. Migrate as the role that owns them.",
    );
  }
  await removeFromJournal(client, [...applied.keys()]);
  for (const { kind, name } of [...applied.values()].flatMap(createdIn)) {
    await client.query(`ALTER ${kind} public.${name} SET SCHEMA rowmill`);
  }
  await moveQueue(client, log);
  await dropIfEmpty(client, ["drizzle", OLD_QUEUE_SCHEMA]);
  return [...applied.values()];
}

/** Returns the tables and types that a migration creates. */
function createdIn({ sql }: MigrationMeta): { kind: string; name: string }[] {
  return sql.flatMap((statement) => {
    const [, kind, name] = /CREATE (TABLE|TYPE) "rowmill"\."(\w+)"/.exec(statement) ?? [];
    return kind && name ? [{ kind, name }] : [];
  });
}

/** Whether the tables of version 0.3.0 are there, with a journal that the role may not read. */
async function hidesOldTables(client: pg.Client, migrations: readonly MigrationMeta[]): Promise<boolean> {
  const names = migrations
    .slice(0, 1)
    .flatMap(createdIn)
    .flatMap(({ kind, name }) => (kind === "TABLE" ? [name] : []));
  const { rows } = await client.query<{ found: number; has_journal: boolean }>(
    `SELECT count(*) FILTER (WHERE nspname = 'public' AND relname = ANY($1))::int AS found,
      coalesce(bool_or(nspname = 'drizzle' AND relname = '__drizzle_migrations'), false) AS has_journal
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE relkind = 'r'`,
    [names],
  );
  return (
    rows[0]?.found === names.length &&
    rows[0].has_journal &&
    !(await may(client, "SELECT", "drizzle", "__drizzle_migrations"))
  );
}

/** Warns if version 0.3.0 has migrated after this version: it created its tables again, which stay unused. */
export async function warnOfOldTables(
  client: pg.Client,
  migrations: readonly MigrationMeta[],
  log: Log,
): Promise<void> {
  if ((await readJournal(client, migrations)).size === 0) return;
  log.warn(
    "version 0.3.0 has created its tables in the schema public again, and this version does not use them; stop 0.3.0 and drop them",
  );
}

/** An application may share the journal. @returns Rowmill's migrations in it, by their hashes there */
async function readJournal(
  client: pg.Client,
  migrations: readonly MigrationMeta[],
): Promise<ReadonlyMap<string, MigrationMeta>> {
  if (!(await may(client, "SELECT", "drizzle", "__drizzle_migrations"))) return new Map();
  const byHash = new Map(migrations.map((migration) => [migration.hash, migration]));
  for (const [index, hash] of HASHES_IN_PUBLIC.entries()) {
    const migration = migrations[index];
    if (migration) byHash.set(hash, migration);
  }
  const { rows } = await client.query<{ hash: string }>("SELECT hash FROM drizzle.__drizzle_migrations");
  const inJournal = new Set(rows.map(({ hash }) => hash));
  return new Map([...byHash].filter(([hash]) => inJournal.has(hash)));
}

async function removeFromJournal(client: pg.Client, hashes: readonly string[]): Promise<void> {
  await client.query("DELETE FROM drizzle.__drizzle_migrations WHERE hash = ANY($1)", [hashes]);
  const { rowCount } = await client.query("SELECT FROM drizzle.__drizzle_migrations LIMIT 1");
  if (rowCount === 0) await client.query("DROP TABLE drizzle.__drizzle_migrations");
}

/** Moves pg-boss with its jobs, and replaces the name of the schema in its functions. */
async function moveQueue(client: pg.Client, log: Log): Promise<void> {
  if (!(await may(client, "DELETE", OLD_QUEUE_SCHEMA, "queue"))) return;
  const { rows: others } = await client.query<{ name: string }>(
    `SELECT name FROM ${OLD_QUEUE_SCHEMA}.queue WHERE name <> ALL ($1) AND name NOT LIKE '\\_\\_pgboss\\_\\_%'`,
    [OLD_QUEUES],
  );
  if (others.length > 0) {
    log.warn(
      { queues: others.map(({ name }) => name) },
      "another application uses the schema pgboss, so it stays; the reconciler adds jobs for waiting work within a minute",
    );
    return;
  }
  const { rows: commands } = await client.query<{ command: string }>(
    `SELECT format('ALTER TABLE %s SET SCHEMA ${QUEUE_SCHEMA}', oid::regclass) AS command
      FROM pg_class WHERE relnamespace = $1::text::regnamespace AND relkind IN ('r', 'p')
    UNION ALL SELECT format('ALTER TYPE %s SET SCHEMA ${QUEUE_SCHEMA}', oid::regtype)
      FROM pg_type WHERE typnamespace = $1::text::regnamespace AND typtype = 'e'
    UNION ALL SELECT format('ALTER FUNCTION %s SET SCHEMA ${QUEUE_SCHEMA}', oid::regprocedure)
      FROM pg_proc WHERE pronamespace = $1::text::regnamespace AND prokind = 'f'
    UNION ALL SELECT replace(pg_get_functiondef(oid), $1 || '.', '${QUEUE_SCHEMA}.')
      FROM pg_proc WHERE pronamespace = $1::text::regnamespace AND prokind = 'f'`,
    [OLD_QUEUE_SCHEMA],
  );
  for (const { command } of commands) await client.query(command);
  await client.query(
    `UPDATE ${QUEUE_SCHEMA}.bam SET command = replace(command, $1 || '.', '${QUEUE_SCHEMA}.')`,
    [OLD_QUEUE_SCHEMA],
  );
}

/** Whether the table exists and the role has the privilege. */
async function may(
  client: pg.Client,
  privilege: "SELECT" | "DELETE",
  schema: string,
  table: string,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `SELECT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = $1 AND relname = $2 AND has_schema_privilege(relnamespace, 'USAGE')
      AND has_table_privilege(pg_class.oid, $3)`,
    [schema, table, privilege],
  );
  return rowCount === 1;
}

async function dropIfEmpty(client: pg.Client, schemas: readonly string[]): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT nspname AS name FROM pg_namespace
    WHERE nspname = ANY($1) AND pg_has_role(nspowner, 'USAGE') AND NOT EXISTS (
      SELECT FROM pg_depend WHERE refclassid = 'pg_namespace'::regclass AND refobjid = pg_namespace.oid
    )`,
    [schemas],
  );
  for (const { name } of rows) await client.query(`DROP SCHEMA ${name}`);
}

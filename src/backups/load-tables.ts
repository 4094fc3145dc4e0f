import type pg from "pg";
import { ConfigError } from "../errors.ts";
import { isPartitioned } from "../platform/postgres/partitions/day-partitions.ts";
import { createFirstPartition, exchangeTables } from "../platform/postgres/partitions/exchange-tables.ts";
import { liftTimeLimits } from "../platform/postgres/time-limits.ts";
import { QUEUE_SCHEMA } from "../schema/columns.ts";
import { DAY_TABLES } from "../schema/day-tables.ts";
import { insertStatement, listTables, quote, type StoredTable } from "./catalogue.ts";
import { BackupDamaged, type Header, LINE_BREAK, type Manifest, type Section, type Table } from "./format.ts";
import { readBackup } from "./read-lines.ts";

/**
 * Loads all rows in one transaction. Foreign keys are dropped and created again: tables refer to each other in circles, and
 * rows to later rows of their own table. PostgreSQL checks each key once at the end, instead of per row.
 * @param excluded the tables that the backup does not contain. They can have rows.
 * @throws BackupDamaged; ConfigError if a table has rows
 */
export async function loadTables(
  client: pg.Client,
  excluded: readonly string[],
  source: AsyncIterable<Buffer>,
  onTable: (section: Section) => void,
): Promise<{ header: Header; manifest: Manifest }> {
  // Foreign keys of large tables are checked in one statement.
  await client.query("BEGIN; SET LOCAL search_path TO ''");
  try {
    await liftTimeLimits(client);
    const tables = await lockEmptyTables(client, excluded);
    const foreignKeys = await dropForeignKeys(client);
    const restored = await loadRows(client, source, tables, onTable);
    for (const { table, name, definition } of foreignKeys)
      await client.query(`ALTER TABLE ${table} ADD CONSTRAINT ${quote(name)} ${definition}`);
    await setSequences(client, restored.header);
    // The reconcilers create the jobs of the restored batches and tasks.
    await client.query(`DELETE FROM ${QUEUE_SCHEMA}.job`);
    await client.query("COMMIT");
    return restored;
  } catch (error) {
    await client.query("ROLLBACK").catch(() => {}); // The lost connection has rolled back.
    throw error;
  }
}

async function lockEmptyTables(
  client: pg.Client,
  excluded: readonly string[],
): Promise<ReadonlyMap<string, StoredTable>> {
  const tables = await listTables(client, excluded);
  const names = tables.map(({ name }) => `rowmill.${quote(name)}`);
  await client.query(`LOCK TABLE ${names.join(", ")} IN ACCESS EXCLUSIVE MODE`);
  for (const [at, table] of names.entries()) {
    const { rowCount } = await client.query(`SELECT FROM ${table} LIMIT 1`);
    if (rowCount === 0) continue;
    throw new ConfigError(
      `DATABASE_URL: the database is not empty: the table ${tables[at]?.name} has rows. Restore into a new database.`,
    );
  }
  return new Map(tables.map((table) => [table.name, table]));
}

interface ForeignKey {
  readonly table: string;
  readonly name: string;
  readonly definition: string;
}

async function dropForeignKeys(client: pg.Client): Promise<ForeignKey[]> {
  const { rows } = await client.query<ForeignKey>(
    `SELECT conrelid::regclass::text AS table, conname AS name, pg_get_constraintdef(oid) AS definition
    FROM pg_constraint WHERE contype = 'f' AND connamespace = 'rowmill'::regnamespace AND conparentid = 0`,
  );
  for (const { table, name } of rows)
    await client.query(`ALTER TABLE ${table} DROP CONSTRAINT ${quote(name)}`);
  return rows;
}

async function loadRows(
  client: pg.Client,
  source: AsyncIterable<Buffer>,
  tables: ReadonlyMap<string, StoredTable>,
  onTable: (section: Section) => void,
): Promise<{ header: Header; manifest: Manifest }> {
  let insert = "";
  return readBackup(source, {
    async table(table) {
      const known = tables.get(table.name);
      if (!known || known.columns.join() !== table.columns.join())
        throw new BackupDamaged(`The columns of the table ${table.name} are not those of its version.`);
      await createPartitions(client, table);
      insert = insertStatement(known);
    },
    async rows(lines) {
      await client.query(insert, [arrayOf(lines)]);
    },
    async end(section) {
      onTable(section);
    },
  });
}

/** The bounds of partitions, as PostgreSQL writes them. They become a part of a statement. */
const BOUND =
  /^(DEFAULT|FOR VALUES (FROM|IN|WITH) \((?:[\w ,.:+-]|'[^'\\]*')*\)(?: TO \((?:[\w ,.:+-]|'[^'\\]*')*\))?)$/;

/** Gives a table, which has no rows, the partitions of the backup. */
async function createPartitions(client: pg.Client, { name, partitions }: Table): Promise<void> {
  const table = DAY_TABLES.find((table) => table.name === name);
  if (table && partitions.length > 0) await exchangeTables(client, table);
  await dropPartitions(client, name);
  for (const { name: partition, bound } of partitions) {
    if (!BOUND.test(bound)) throw new BackupDamaged(`The partition ${partition} has unknown bounds.`);
    await client.query(
      `CREATE TABLE IF NOT EXISTS rowmill.${quote(partition)} PARTITION OF rowmill.${quote(name)} ${bound}`,
    );
  }
  // The backup is older than the partitions of this table. In the default partition, its rows would stop all later days.
  if (table && partitions.length === 0 && (await isPartitioned(client, name)))
    await createFirstPartition(client, name, new Date());
}

/** The partitions that a migration has made may overlap with those of the backup. */
async function dropPartitions(client: pg.Client, table: string): Promise<void> {
  const { rows } = await client.query<{ partition: string }>(
    `SELECT leaf.oid::regclass::text AS partition FROM pg_inherits JOIN pg_class AS leaf ON leaf.oid = inhrelid
    WHERE inhparent = to_regclass($1) AND pg_get_expr(relpartbound, leaf.oid) <> 'DEFAULT'`,
    [`rowmill.${quote(table)}`],
  );
  for (const { partition } of rows) await client.query(`DROP TABLE ${partition}`);
}

const [OPEN, COMMA, CLOSE] = Buffer.from("[,]");

/** Makes one JSON array of lines that each are an object. Line breaks inside of an object are escaped. */
function arrayOf(lines: Buffer): Buffer {
  const array = Buffer.allocUnsafe(lines.length + 1);
  array[0] = OPEN ?? 0;
  lines.copy(array, 1);
  for (let at = array.indexOf(LINE_BREAK); at !== -1; at = array.indexOf(LINE_BREAK, at + 1))
    array[at] = COMMA ?? 0;
  array[array.length - 1] = CLOSE ?? 0;
  return array;
}

async function setSequences(client: pg.Client, { sequences }: Header): Promise<void> {
  for (const { name, last } of sequences) {
    await client.query(
      `SELECT setval(oid::regclass, $2::bigint) FROM pg_class
      WHERE relname = $1 AND relkind = 'S' AND relnamespace = 'rowmill'::regnamespace`,
      [name, last],
    );
  }
}

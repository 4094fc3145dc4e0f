/** The tables of a backup, as PostgreSQL's catalogue lists them: a new table is a part of every backup without further code. */
import type pg from "pg";
import { REQUEST_LOG } from "../schema/request-log.ts";
import type { Header, Table } from "./format.ts";

/** The tables that no backup contains, and the reason. */
const NEVER: Readonly<Record<string, string>> = {
  __drizzle_migrations: "The header has the migrations, and a restore applies them.",
  workers: "Processes that run at this moment.",
  statistics: "Charts of the last days of one installation.",
  queue_statistics: "The same.",
  backups: "Files that exist on one host, at this moment.",
};

/** The largest tables of a busy installation. The reports contain their sums. */
const LOG_TABLES: readonly string[] = [REQUEST_LOG, "request_log_gaps"];

/** Returns the names of the tables that are not a part of a backup. */
export function excludedTables(hasRequestLog: boolean): readonly string[] {
  return [...Object.keys(NEVER), ...(hasRequestLog ? [] : LOG_TABLES)];
}

/** Rows that no backup contains: a backup in the database would contain all backups before it. */
const FILTERS: Readonly<Record<string, string>> = {
  files: "origin::text <> 'backup'",
  file_chunks: "NOT EXISTS (SELECT FROM rowmill.files WHERE id = file_id AND origin::text = 'backup')",
};

export interface StoredTable extends Table {
  readonly types: readonly string[];
  /** For the progress. */
  readonly bytes: number;
}

type Connection = Pick<pg.Client, "query">;

/** Lists the tables with the columns that are not generated. */
export async function listTables(client: Connection, excluded: readonly string[]): Promise<StoredTable[]> {
  const { rows } = await client.query<StoredTable>(
    `SELECT relname AS name, columns.names AS columns, columns.types,
      coalesce((
        SELECT json_agg(json_build_object('name', leaf.relname, 'bound', pg_get_expr(leaf.relpartbound, leaf.oid)) ORDER BY leaf.relname)
        FROM pg_inherits JOIN pg_class AS leaf ON leaf.oid = inhrelid WHERE inhparent = pg_class.oid AND leaf.relispartition
      ), '[]') AS partitions,
      (SELECT sum(pg_table_size(relid))::float8 FROM pg_partition_tree(pg_class.oid)) AS bytes
    FROM pg_class CROSS JOIN LATERAL (
      SELECT json_agg(attname ORDER BY attnum) AS names, json_agg(format_type(atttypid, atttypmod) ORDER BY attnum) AS types
      FROM pg_attribute WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
    ) AS columns
    WHERE relnamespace = 'rowmill'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
      AND relname <> ALL ($1::text[])
    ORDER BY relname`,
    [excluded],
  );
  return rows;
}

/** Lists the sequences that have been used, except those of excluded tables. */
export async function listSequences(
  client: Connection,
  excluded: readonly string[],
): Promise<Header["sequences"]> {
  const { rows } = await client.query<{ name: string; last: string }>(
    `SELECT sequencename AS name, last_value::text AS last FROM pg_sequences
    JOIN pg_class ON relname = sequencename AND relnamespace = 'rowmill'::regnamespace
    WHERE schemaname = 'rowmill' AND last_value IS NOT NULL AND NOT EXISTS (
      SELECT FROM pg_depend JOIN pg_class AS owner ON owner.oid = refobjid
      WHERE pg_depend.objid = pg_class.oid AND refclassid = 'pg_class'::regclass AND owner.relname = ANY ($1::text[])
    )
    ORDER BY sequencename`,
    [excluded],
  );
  return rows;
}

/** Types whose JSON is a number or a boolean without loss. All others are strings in the format of PostgreSQL. */
const PLAIN = new Set(["smallint", "integer", "bigint", "boolean"]);

/** Returns the COPY that reads the rows of a table as JSON lines. */
export function copyStatement({ name, columns, types }: StoredTable): string {
  const values = columns.map((column, at) => `${toJson(quote(column), types[at] ?? "")} AS ${quote(column)}`);
  const filter = FILTERS[name] === undefined ? "" : ` WHERE ${FILTERS[name]}`;
  // The format `text` would escape every backslash. In JSON, control characters are escaped, so `csv` quotes nothing.
  return `COPY (SELECT row_to_json(line) FROM (SELECT ${values.join(", ")} FROM rowmill.${quote(name)}${filter}) AS line)
    TO STDOUT (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')`;
}

/** Returns the INSERT of the rows in `$1`, which is an array of the objects that `copyStatement` reads. */
export function insertStatement({ name, columns, types }: StoredTable): string {
  const fields = columns.map(
    (column, at) => `${quote(column)} ${PLAIN.has(types[at] ?? "") ? types[at] : "text"}`,
  );
  const values = columns.map((column, at) => fromJson(quote(column), types[at] ?? ""));
  return `INSERT INTO rowmill.${quote(name)} (${columns.map(quote).join(", ")}) OVERRIDING SYSTEM VALUE
    SELECT ${values.join(", ")} FROM json_to_recordset($1::json) AS line (${fields.join(", ")})`;
}

function toJson(column: string, type: string): string {
  if (PLAIN.has(type)) return column;
  return type === "bytea" ? `replace(encode(${column}, 'base64'), E'\\n', '')` : `${column}::text`;
}

function fromJson(column: string, type: string): string {
  if (PLAIN.has(type)) return column;
  return type === "bytea" ? `decode(${column}, 'base64')` : `${column}::${type}`;
}

export function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

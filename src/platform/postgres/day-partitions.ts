/** Partitions of one day (UTC) each, named like `request_log_20261126`, of tables that also have a default partition. */
import type pg from "pg";
import { rowmill } from "../../schema/columns.ts";
import { SQLSTATE } from "../sqlstates.ts";
import { isLockTrouble, postgresError } from "./database.ts";

type Connection = Pick<pg.Client, "query">;

/** How many days after today have a partition. */
const DAYS_AHEAD = 7;
const DAY_MS = 86_400_000;
/** Writers wait as long as the statement waits for its lock. A later call does the rest. */
const LOCK_TIMEOUT_MS = 2000;

/** The part of a name of a partition that tells its day. */
const suffixOf = (day: Date) => day.toISOString().slice(0, 10).replaceAll("-", "");

/**
 * Creates the missing partitions of today and of the days ahead. Does nothing if the role may not create tables: the rows
 * go to the default partition. A day that already has rows there gets no partition.
 * @returns the number of created partitions
 */
export async function createDayPartitions(client: Connection, table: string, now: Date): Promise<number> {
  const today = Math.floor(now.getTime() / DAY_MS) * DAY_MS;
  const days = Array.from({ length: DAYS_AHEAD + 1 }, (_, index) => new Date(today + index * DAY_MS));
  const { rows } = await client.query<{ suffix: string }>(
    `SELECT suffix FROM unnest($2::text[]) AS suffix
    WHERE to_regclass(format('%I.%I', $3::text, $1::text || '_' || suffix)) IS NULL AND EXISTS (
      SELECT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
      WHERE nspname = $3 AND relname = $1 AND relkind = 'p' AND pg_has_role(relowner, 'USAGE')
        AND has_schema_privilege(relnamespace, 'CREATE')
    )`,
    [table, days.map(suffixOf), rowmill.schemaName],
  );
  const missing = new Set(rows.map(({ suffix }) => suffix));
  let created = 0;
  for (const day of days.filter((day) => missing.has(suffixOf(day)))) {
    const bounds = `FROM ('${day.toISOString()}') TO ('${new Date(day.getTime() + DAY_MS).toISOString()}')`;
    const parent = `${rowmill.schemaName}.${table}`;
    const isCreated = await changeTables(client, [
      // Two processes would create the partition at the same time.
      `LOCK TABLE ${parent} IN SHARE UPDATE EXCLUSIVE MODE`,
      `CREATE TABLE IF NOT EXISTS ${parent}_${suffixOf(day)} PARTITION OF ${parent} FOR VALUES ${bounds}`,
    ]);
    if (isCreated) created++;
  }
  return created;
}

export interface DroppedPartitions {
  readonly dropped: number;
  /** The days of partitions that others use, in order. A later call drops them. */
  readonly inUse: readonly Date[];
}

/** Drops the partitions of the days before that of `limit`, as far as the role owns them. */
export async function dropDayPartitions(
  client: Connection,
  table: string,
  limit: Date,
  signal?: AbortSignal,
): Promise<DroppedPartitions> {
  let dropped = 0;
  const inUse: Date[] = [];
  for (const { name, day } of await partitionsBefore(client, table, limit)) {
    signal?.throwIfAborted();
    if (await changeTables(client, [`DROP TABLE IF EXISTS ${name}`])) dropped++;
    else inUse.push(day);
  }
  return { dropped, inUse };
}

/** Drops the empty partitions of earlier days. A role that only reads and writes rows leaves them behind. */
export async function dropEmptyDayPartitions(client: Connection, table: string, now: Date): Promise<void> {
  for (const { name } of await partitionsBefore(client, table, now)) {
    const { rowCount } = await client.query(`SELECT FROM ${name} LIMIT 1`);
    if (rowCount === 0) await changeTables(client, [`DROP TABLE IF EXISTS ${name}`]);
  }
}

async function partitionsBefore(
  client: Connection,
  table: string,
  limit: Date,
): Promise<{ name: string; day: Date }[]> {
  const { rows } = await client.query<{ name: string; date: string }>(
    `SELECT relname AS name, to_char(to_date(right(relname, 8), 'YYYYMMDD'), 'YYYY-MM-DD') AS date
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = $3 AND relispartition AND relname ~ ('^' || $1::text || '_[0-9]{8}$')
      AND relname < $1::text || '_' || $2::text AND pg_has_role(relowner, 'USAGE')
    ORDER BY relname`,
    [table, suffixOf(limit), rowmill.schemaName],
  );
  return rows.map(({ name, date }) => ({ name: `${rowmill.schemaName}.${name}`, day: new Date(date) }));
}

/** @returns false if the tables are in use, or if the rows of a new partition are already in the default one */
async function changeTables(client: Connection, statements: readonly string[]): Promise<boolean> {
  await client.query("BEGIN");
  try {
    await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
    for (const statement of statements) await client.query(statement);
    await client.query("COMMIT");
    return true;
  } catch (error) {
    await client.query("ROLLBACK");
    const isInTheWay = postgresError(error)?.code === SQLSTATE.checkViolation || isLockTrouble(error);
    if (!isInTheWay) throw error;
    return false;
  }
}

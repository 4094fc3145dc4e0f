/** Partitions of one day (UTC) each, named like `request_log_20261126`, of tables that also have a default partition. */
import type pg from "pg";
import { rowmill } from "../../schema/columns.ts";

type Connection = Pick<pg.Pool, "query"> | Pick<pg.Client, "query">;

/** How many days after today have a partition. */
const DAYS_AHEAD = 7;
const DAY_MS = 86_400_000;

const SCHEMA = rowmill.schemaName;
const CREATE = `${SCHEMA}.create_day_partition`;
const DROP = `${SCHEMA}.drop_day_partition`;

/**
 * Each changes one partition, and returns false if others use the tables, or if the rows of a new partition are already in
 * the default one. Writers wait as long as the function waits for its lock, so it gives up soon.
 */
const FUNCTIONS = [
  functionOf(
    CREATE,
    `-- Two sessions would create the partition at the same time.
    EXECUTE format('LOCK TABLE ${SCHEMA}.%I IN SHARE UPDATE EXCLUSIVE MODE', parent);
    EXECUTE format('CREATE TABLE IF NOT EXISTS ${SCHEMA}.%I PARTITION OF ${SCHEMA}.%I FOR VALUES FROM (%L) TO (%L)',
      partition, parent, day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');`,
  ),
  functionOf(DROP, `EXECUTE format('DROP TABLE IF EXISTS ${SCHEMA}.%I', partition);`),
];

/** A function that runs with the rights of its owner, and changes nothing but the partitions of a partitioned table. */
function functionOf(name: string, change: string): string {
  return `CREATE OR REPLACE FUNCTION ${name}(parent text, day date) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  SET timezone = 'UTC' SET datestyle = 'ISO, YMD' SET lock_timeout = '2s' AS $$
  DECLARE partition text := parent || to_char(day, '_YYYYMMDD');
  BEGIN
    IF NOT EXISTS (SELECT FROM pg_class WHERE relkind = 'p' AND relname = parent AND relnamespace = '${SCHEMA}'::regnamespace) THEN
      RAISE EXCEPTION 'the table ${SCHEMA}.% has no partitions', parent;
    END IF;
    ${change}
    RETURN true;
  EXCEPTION WHEN lock_not_available OR deadlock_detected OR check_violation THEN
    RETURN false;
  END $$`;
}

/**
 * Creates the functions that change partitions. The role that migrates owns them, and grants them to roles that only read
 * and write rows.
 */
export async function createPartitionFunctions(client: Connection): Promise<void> {
  for (const statement of FUNCTIONS) await client.query(statement);
  for (const name of [CREATE, DROP])
    await client.query(`REVOKE EXECUTE ON FUNCTION ${name}(text, date) FROM PUBLIC`);
}

/**
 * Creates the missing partitions of today and of the days ahead. Does nothing if the role may not: the rows go to the
 * default partition. A day that already has rows there gets no partition.
 * @returns the number of created partitions
 */
export async function createDayPartitions(client: Connection, table: string, now: Date): Promise<number> {
  if (!(await mayCall(client, CREATE))) return 0;
  const today = Math.floor(now.getTime() / DAY_MS) * DAY_MS;
  const days = Array.from({ length: DAYS_AHEAD + 1 }, (_, index) => dayOf(new Date(today + index * DAY_MS)));
  const { rows } = await client.query<{ day: string }>(
    `SELECT day FROM unnest($1::text[]) AS day
    WHERE to_regclass(format('%I.%I', $2::text, $3::text || to_char(day::date, '_YYYYMMDD'))) IS NULL`,
    [days, SCHEMA, table],
  );
  let created = 0;
  for (const { day } of rows) if (await change(client, CREATE, table, day)) created++;
  return created;
}

export interface DroppedPartitions {
  readonly dropped: number;
  /** The days of partitions that others use, in order. A later call drops them. */
  readonly inUse: readonly Date[];
}

/** Drops the partitions of the days before that of `limit`, unless the role may not. */
export async function dropDayPartitions(
  client: Connection,
  table: string,
  limit: Date,
  signal: AbortSignal,
): Promise<DroppedPartitions> {
  if (!(await mayCall(client, DROP))) return { dropped: 0, inUse: [] };
  const { rows } = await client.query<{ day: string }>(
    `SELECT to_char(to_date(right(relname, 8), 'YYYYMMDD'), 'YYYY-MM-DD') AS day FROM pg_class
    WHERE relnamespace = $1::regnamespace AND relispartition AND relname ~ ('^' || $2::text || '_[0-9]{8}$')
      AND relname < $2::text || to_char($3::date, '_YYYYMMDD')
    ORDER BY relname`,
    [SCHEMA, table, dayOf(limit)],
  );
  let dropped = 0;
  const inUse: Date[] = [];
  for (const { day } of rows) {
    signal.throwIfAborted();
    if (await change(client, DROP, table, day)) dropped++;
    else inUse.push(new Date(day));
  }
  return { dropped, inUse };
}

/** As PostgreSQL and ISO 8601 write it. */
const dayOf = (moment: Date) => moment.toISOString().slice(0, 10);

async function mayCall(client: Connection, name: string): Promise<boolean> {
  const { rows } = await client.query<{ may: boolean | null }>(
    "SELECT has_function_privilege(to_regprocedure($1), 'EXECUTE') AS may",
    [`${name}(text, date)`],
  );
  return rows[0]?.may === true;
}

async function change(client: Connection, name: string, table: string, day: string): Promise<boolean> {
  const { rows } = await client.query<{ done: boolean }>(`SELECT ${name}($1, $2) AS done`, [table, day]);
  return rows[0]?.done === true;
}

/**
 * Partitions of one day (UTC) each, named like `request_log_20261126`, of tables that also have a default partition. The key is a
 * time, or a UUID that begins with one (version 7).
 */
import type pg from "pg";
import { rowmill } from "../../../schema/columns.ts";
import { DAY_MS } from "../../durations.ts";
import type { Log } from "../../log.ts";

type Connection = Pick<pg.Pool, "query"> | Pick<pg.Client, "query">;

/** How many days after today have a partition. */
const DAYS_AHEAD = 7;

const SCHEMA = rowmill.schemaName;
const CREATE = `${SCHEMA}.create_day_partition`;
const DROP = `${SCHEMA}.drop_day_partition`;

/**
 * A migration that was killed leaves a CHECK on a table that it was about to partition (partition-by-day.ts). It would refuse rows of
 * later days, so programs that prepare the partitions of any table remove it this many days before that.
 */
export const DAYS_OF_LOST_PROOF = 4;

/** PostgreSQL reads the default partition before it adds another one. Nobody can use it meanwhile: 64 MB take 0.1 s. */
export const MAX_DEFAULT_BYTES = 64 * 2 ** 20;

/** The first key of a day, as text, in PL/pgSQL. Both variables are in each function. */
const BOUND_OF = (day: string) => `CASE key_type
      WHEN 'uuid'::regtype THEN (SELECT left(ms, 8) || '-' || right(ms, 4) || '-0000-0000-000000000000'
        FROM lpad(to_hex(extract(epoch FROM ${day})::bigint * 1000), 12, '0') AS ms)
      ELSE (${day}::timestamp AT TIME ZONE 'UTC')::text
    END`;

/** The clause that creates a table on the disk of another one, in PL/pgSQL. */
export const TABLESPACE_OF = (table: string) =>
  `(SELECT format('TABLESPACE %I', spcname) FROM pg_tablespace JOIN pg_class ON reltablespace = pg_tablespace.oid WHERE pg_class.oid = ${table})`;

/** Creates a table with the columns of the parent, in PL/pgSQL. CREATE TABLE ... PARTITION OF would stop all who use another partition. */
const createTableLikeParent = (create: string, name: string) =>
  `EXECUTE format('${create} ${SCHEMA}.%I (LIKE ${SCHEMA}.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMPRESSION) %s',
      ${name}, parent, ${TABLESPACE_OF(`to_regclass(format('${SCHEMA}.%I', parent))`)});`;

/**
 * Attaches the default partition if somebody has detached or dropped it, in PL/pgSQL. Otherwise rows of a day without a partition are
 * refused. If that fails, the days still get their partitions, and `doctor` shows what is missing.
 */
const ATTACH_DEFAULT = `IF EXISTS (SELECT FROM pg_partitioned_table WHERE partrelid = to_regclass(format('${SCHEMA}.%I', parent)) AND partdefid = 0)
      AND coalesce(pg_relation_size(to_regclass(format('${SCHEMA}.%I', parent || '_default'))), 0) <= ${MAX_DEFAULT_BYTES} THEN
      BEGIN
        ${createTableLikeParent("CREATE TABLE IF NOT EXISTS", "parent || '_default'")}
        EXECUTE format('ALTER TABLE ${SCHEMA}.%I ATTACH PARTITION ${SCHEMA}.%I DEFAULT', parent, parent || '_default');
        RETURN true;
      EXCEPTION WHEN OTHERS THEN
        NULL;
      END;
    END IF;`;

/**
 * Each changes one partition, and returns false if others use the tables, or if the days or rows of a new partition are already in
 * another one. Others wait as long as the function waits for its lock, so it gives up soon.
 */
const FUNCTIONS = [
  functionOf(
    CREATE,
    `FOR lost IN
      SELECT conrelid::regclass AS "table", conname AS name FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
      WHERE connamespace = '${SCHEMA}'::regnamespace AND contype = 'c' AND NOT relispartition AND conname ~ ('^' || relname || '_before_[0-9]{8}$')
        AND right(conname, 8) <= to_char(greatest(current_date, day - ${DAYS_AHEAD}) + ${DAYS_OF_LOST_PROOF}, 'YYYYMMDD')
    LOOP
      BEGIN
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I', lost."table", lost.name);
      EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
        NULL; -- The next call tries again.
      END;
    END LOOP;
    IF NOT is_partitioned THEN
      RETURN false;
    END IF;
    -- Two sessions would create the partition at the same time.
    EXECUTE format('LOCK TABLE ${SCHEMA}.%I IN SHARE UPDATE EXCLUSIVE MODE', parent);
    ${ATTACH_DEFAULT}
    IF to_regclass(format('${SCHEMA}.%I', partition)) IS NOT NULL THEN
      RETURN true;
    END IF;
    IF pg_relation_size(default_partition) > ${MAX_DEFAULT_BYTES} THEN
      RETURN false;
    END IF;
    ${createTableLikeParent("CREATE TABLE", "partition")}
    EXECUTE format('ALTER TABLE ${SCHEMA}.%I ATTACH PARTITION ${SCHEMA}.%I FOR VALUES FROM (%L) TO (%L)',
      parent, partition, ${BOUND_OF("day")}, ${BOUND_OF("(day + 1)")});`,
  ),
  functionOf(
    DROP,
    `IF NOT is_partitioned THEN
      RAISE EXCEPTION 'the table ${SCHEMA}.% has no partitions', parent;
    END IF;
    -- The partition of the day, or the one that ends with it and has all days before.
    EXECUTE format('DROP TABLE IF EXISTS ${SCHEMA}.%I, ${SCHEMA}.%I',
      partition, parent || '_before_' || to_char(day + 1, 'YYYYMMDD'));`,
  ),
];

/** A function that runs with the rights of its owner, and changes nothing but partitions and what a migration has left. */
function functionOf(name: string, change: string): string {
  return `CREATE OR REPLACE FUNCTION ${name}(parent text, day date) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  SET timezone = 'UTC' SET datestyle = 'ISO, YMD' SET lock_timeout = '500ms' AS $$
  DECLARE
    partition text := parent || to_char(day, '_YYYYMMDD');
    key_type regtype;
    default_partition oid;
    is_partitioned boolean;
    lost record;
  BEGIN
    SELECT atttypid, partdefid INTO key_type, default_partition FROM pg_partitioned_table
    JOIN pg_attribute ON attrelid = partrelid AND attnum = partattrs[0]
    WHERE partrelid = to_regclass(format('${SCHEMA}.%I', parent));
    is_partitioned := FOUND;
    ${change}
    RETURN true;
  EXCEPTION WHEN lock_not_available OR deadlock_detected OR check_violation OR invalid_object_definition THEN
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
 * Creates the missing partitions of today and of the days ahead, and a missing default partition. Does nothing if the role may not:
 * the rows go to the default partition. A day that already has rows there gets no partition.
 * @returns the number of days that got a partition
 */
export async function createDayPartitions(
  client: Connection,
  tables: readonly string[],
  now: Date,
): Promise<number> {
  if (!(await mayCall(client, CREATE))) return 0;
  let created = 0;
  for (const table of tables) created += await createDaysOf(client, table, now);
  return created;
}

/** Nothing needs the partitions of the next days: an upload can use the default one, and a cleanup frees the space that they may lack. */
export async function tryToCreateDayPartitions(
  { pool, now, log }: { readonly pool: pg.Pool; readonly now: () => Date; readonly log: Log },
  tables: readonly string[],
): Promise<void> {
  try {
    await createDayPartitions(pool, tables, now());
  } catch (error) {
    log.warn({ err: error, tables }, "could not create the partitions of the next days");
  }
}

async function createDaysOf(client: Connection, table: string, now: Date): Promise<number> {
  const today = Math.floor(now.getTime() / DAY_MS) * DAY_MS;
  const days = Array.from({ length: DAYS_AHEAD + 1 }, (_, index) => dayOf(new Date(today + index * DAY_MS)));
  if (!(await isPartitioned(client, table))) {
    // This only removes what a migration that was killed may have left.
    await change(client, CREATE, table, days.at(-1) ?? "");
    return 0;
  }
  if (!(await hasDefaultPartition(client, table))) await change(client, CREATE, table, dayOf(now));
  const { rows } = await client.query<{ day: string }>(
    `SELECT day FROM unnest($1::text[]) AS day
    WHERE to_regclass(format('%I.%I', $2::text, $3::text || to_char(day::date, '_YYYYMMDD'))) IS NULL AND NOT EXISTS (
      SELECT FROM pg_class WHERE relnamespace = $2::regnamespace AND relispartition AND relname ~ ('^' || $3::text || '_before_[0-9]{8}$')
        AND to_char(day::date, 'YYYYMMDD') < right(relname, 8)
    )`,
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
    if (await dropDayPartition(client, table, new Date(day))) dropped++;
    else inUse.push(new Date(day));
  }
  return { dropped, inUse };
}

/** The name of the partition that has all days before this one. */
export function partitionBefore(table: string, day: Date): string {
  return `${table}_before_${dayOf(day).replaceAll("-", "")}`;
}

/** The days of a partition. */
export interface PartitionedDays {
  /** null: all days before `to`. */
  readonly from: Date | null;
  readonly to: Date;
}

/**
 * Lists the days of the partitions except the default ones, in order; empty if the role may not drop them. Two tables may have
 * different partitions that end with the same day. They are dropped together, so the larger one counts.
 */
export async function listDayPartitions(
  client: Connection,
  tables: readonly string[],
): Promise<PartitionedDays[]> {
  for (const table of tables) if (!(await isPartitioned(client, table))) return [];
  if (!(await mayCall(client, DROP))) return [];
  const { rows } = await client.query<{ first: string | null; end: string }>(
    `SELECT CASE WHEN bool_or(has_all_before) THEN NULL ELSE to_char("end" - 1, 'YYYY-MM-DD') END AS first,
      to_char("end", 'YYYY-MM-DD') AS "end"
    FROM pg_class JOIN unnest($2::text[]) AS parent ON relname ~ ('^' || parent || '_(before_)?[0-9]{8}$')
    CROSS JOIN LATERAL (SELECT relname ~ '_before_[0-9]{8}$' AS has_all_before) AS kind
    CROSS JOIN LATERAL (SELECT to_date(right(relname, 8), 'YYYYMMDD') + (NOT has_all_before)::int AS "end") AS days
    WHERE relnamespace = $1::regnamespace AND relispartition AND relkind IN ('r', 'f')
    GROUP BY days."end" ORDER BY days."end"`,
    [SCHEMA, tables],
  );
  return rows.map(({ first, end }) => ({ from: first === null ? null : new Date(first), to: new Date(end) }));
}

/** Drops the partition that ends with this day. @returns false if others use the table for longer than half a second */
export function dropDayPartition(client: Connection, table: string, lastDay: Date): Promise<boolean> {
  return change(client, DROP, table, dayOf(lastDay));
}

/** Whether `migrate` has given the table its partitions. */
export async function isPartitioned(client: Connection, table: string): Promise<boolean> {
  const { rowCount } = await client.query(
    "SELECT FROM pg_class WHERE relnamespace = $1::regnamespace AND relname = $2 AND relkind = 'p'",
    [SCHEMA, table],
  );
  return rowCount === 1;
}

/** Whether rows of a day without a partition have a place. Only a person can have detached or dropped the default partition. */
export async function hasDefaultPartition(client: Connection, table: string): Promise<boolean> {
  const { rowCount } = await client.query(
    "SELECT FROM pg_partitioned_table WHERE partrelid = to_regclass(format('%I.%I', $1::text, $2::text)) AND partdefid <> 0",
    [SCHEMA, table],
  );
  return rowCount === 1;
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

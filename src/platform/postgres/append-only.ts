/**
 * A table whose rows are never changed, and are removed only when they are old. A trigger refuses everything else, whatever
 * the role may do. A superuser, and the role that owns the table, can drop the trigger.
 */
import type pg from "pg";
import { rowmill } from "../../schema/columns.ts";

type Connection = Pick<pg.Pool, "query"> | Pick<pg.Client, "query">;

const SCHEMA = rowmill.schemaName;

/** No call of the function removes younger rows: the role of the programs may call it with any time. */
const MIN_AGE_DAYS = 30;
/** Rows per call, so that no statement takes long. */
const SLICE = 10_000;

/** The function that removes old rows sets it. A session can set it too, but only the owner of the table gets past both checks. */
const REMOVES = `${SCHEMA}.removes_old_rows`;

/** For tables with a column `at` and a key `id`. CREATE TRIGGER locks out writers, so it runs only once. */
export async function protectRows(client: Connection, table: string): Promise<void> {
  await client.query(`CREATE OR REPLACE FUNCTION ${SCHEMA}.refuse_change() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
    BEGIN
      IF TG_OP = 'DELETE' AND current_setting('${REMOVES}', true) = 'yes'
        AND current_user = (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = TG_RELID) THEN
        RETURN NULL;
      END IF;
      RAISE EXCEPTION 'rows of %.% are never changed, and only old rows are removed', TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
    END $$`);
  await client.query(`CREATE OR REPLACE FUNCTION ${removalOf(table)}(before timestamptz) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE removed bigint;
    BEGIN
      IF before > now() - interval '${MIN_AGE_DAYS} days' THEN
        RAISE EXCEPTION 'rows of ${SCHEMA}.${table} are kept for at least ${MIN_AGE_DAYS} days' USING ERRCODE = 'insufficient_privilege';
      END IF;
      -- A SET clause of the function would need a superuser.
      PERFORM set_config('${REMOVES}', 'yes', true);
      DELETE FROM ${SCHEMA}.${table} WHERE id = ANY(ARRAY(
        SELECT id FROM ${SCHEMA}.${table} WHERE at < before ORDER BY at LIMIT ${SLICE}));
      GET DIAGNOSTICS removed = ROW_COUNT;
      PERFORM set_config('${REMOVES}', 'no', true);
      RETURN removed;
    END $$`);
  await client.query(`REVOKE EXECUTE ON FUNCTION ${removalOf(table)}(timestamptz) FROM PUBLIC`);
  const { rowCount } = await client.query(
    "SELECT FROM pg_trigger WHERE tgrelid = $1::regclass AND tgname = 'refuse_change'",
    [`${SCHEMA}.${table}`],
  );
  if (rowCount === 0)
    await client.query(`CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON ${SCHEMA}.${table}
      FOR EACH STATEMENT EXECUTE FUNCTION ${SCHEMA}.refuse_change()`);
}

/** Removes the oldest rows from before a time, up to a slice of them. @returns their number; null: the role may not */
export async function removeOldRows(client: Connection, table: string, before: Date): Promise<number | null> {
  const { rows: rights } = await client.query<{ may: boolean | null }>(
    "SELECT has_function_privilege(to_regprocedure($1), 'EXECUTE') AS may",
    [`${removalOf(table)}(timestamptz)`],
  );
  if (rights[0]?.may !== true) return null;
  const { rows } = await client.query<{ removed: string }>(`SELECT ${removalOf(table)}($1) AS removed`, [
    before,
  ]);
  return Number(rows[0]?.removed ?? 0);
}

function removalOf(table: string): string {
  return `${SCHEMA}.remove_old_from_${table}`;
}

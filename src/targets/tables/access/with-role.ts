import { type SQL, sql } from "drizzle-orm";
import type { Tx } from "../../../context.ts";
import { MustPause } from "../../../errors.ts";
import { postgresError } from "../../../platform/postgres/database.ts";
import { isRoleTrouble } from "../../../platform/sqlstates.ts";

/** As for all connections of Rowmill. A pooler may have dropped that limit. */
const STATEMENT_TIMEOUT = "60s";
/** Rows of applications are locked by other programs: the chunk gives way, and is repeated. */
const LOCK_TIMEOUT = "5s";

type Settings = Readonly<
  Record<
    | "role"
    | "searchPath"
    | "statementTimeout"
    | "lockTimeout"
    | "rowSecurity"
    | "dateStyle"
    | "intervalStyle",
    string
  >
>;

/**
 * Runs `work` in the open transaction with the rights of the role of TARGET_ROLE, and takes them back. The settings are
 * those of the transaction, so they also hold behind a pooler, and end with the transaction in any case.
 *
 * The role is no wall against the owners of the table and of its functions: a trigger can take the rights of Rowmill with
 * RESET ROLE. That is why they are checked (find-untrusted.ts).
 * @param schema of the table, for functions and types that triggers name without one
 * @throws MustPause if the role does not exist or Rowmill may not use it
 */
export async function withTargetRole<T>(tx: Tx, schema: string, work: () => Promise<T>): Promise<T> {
  const before = await enter(tx, schema);
  let result: T;
  try {
    result = await work();
  } catch (error) {
    // After an error of the database this fails as well. Then the caller rolls back to a savepoint that is older than these
    // settings, which restores the former ones.
    await restore(tx, before).catch(() => {});
    throw error;
  }
  await restore(tx, before);
  return result;
}

async function enter(tx: Tx, schema: string): Promise<Settings> {
  const { role } = tx.config.tableTargets;
  try {
    const { rows } = await tx.db.execute<Settings>(sql`
      WITH before AS MATERIALIZED (
        SELECT current_setting('role') AS role, current_setting('search_path') AS "searchPath",
          current_setting('statement_timeout') AS "statementTimeout", current_setting('lock_timeout') AS "lockTimeout",
          current_setting('row_security') AS "rowSecurity", current_setting('datestyle') AS "dateStyle",
          current_setting('intervalstyle') AS "intervalStyle"
      )
      SELECT before.*, ${setLocal("search_path", sql`'pg_catalog, ' || quote_ident(${schema}) || ', pg_temp'`)},
        ${setLocal("statement_timeout", shorter(sql`"statementTimeout"`, STATEMENT_TIMEOUT))},
        ${setLocal("lock_timeout", shorter(sql`"lockTimeout"`, LOCK_TIMEOUT))},
        ${setLocal("row_security", sql`'on'`)}, ${setLocal("datestyle", sql`'ISO, YMD'`)},
        ${setLocal("intervalstyle", sql`'postgres'`)}, ${setLocal("role", sql`${role}`)}
      FROM before`);
    // A constraint that is checked at the commit would fail the whole chunk, again and again, and not the row.
    await tx.db.execute(sql`SET CONSTRAINTS ALL IMMEDIATE`);
    const [before] = rows;
    if (!before) throw new Error("The settings of the transaction have no row.");
    return before;
  } catch (error) {
    const known = postgresError(error);
    if (!known?.code || !isRoleTrouble(known.code)) throw error;
    const statements =
      "Run `npm run cli -- doctor` for the statements that an administrator of the database must run.";
    throw new MustPause(`Rowmill cannot use the database role ${role} (${known.message}). ${statements}`);
  }
}

async function restore(tx: Tx, before: Settings): Promise<void> {
  await tx.db.execute(sql`
    SELECT ${setLocal("role", sql`${before.role}`)}, ${setLocal("search_path", sql`${before.searchPath}`)},
      ${setLocal("statement_timeout", sql`${before.statementTimeout}`)},
      ${setLocal("lock_timeout", sql`${before.lockTimeout}`)}, ${setLocal("row_security", sql`${before.rowSecurity}`)},
      ${setLocal("datestyle", sql`${before.dateStyle}`)}, ${setLocal("intervalstyle", sql`${before.intervalStyle}`)}`);
}

const setLocal = (name: string, value: SQL) => sql`pg_catalog.set_config(${name}, ${value}, true)`;

/** Returns the shorter of two limits. 0 stands for no limit. */
function shorter(current: SQL, limit: string): SQL {
  return sql`CASE WHEN ${current} = '0' OR ${current}::interval > ${limit}::interval THEN ${limit} ELSE ${current} END`;
}

/** Statements over a set of rows, which can also be tried row by row to find the rows at fault. */
import { type SQL, sql } from "drizzle-orm";
import pg from "pg";
import type { Tx } from "../../../context.ts";
import { isDatabaseUnavailable, isLockTrouble, postgresError } from "../../../platform/postgres/database.ts";
import { isServerTrouble, SQLSTATE } from "../../../platform/sqlstates.ts";

/** The texts of some rows: one array per column, `v0`, `v1` and so on. `r` is the position of the row, from 0. */
export type Cells = readonly (readonly (string | null)[])[];

/** SQL before and after the relation `cells (r, v0, v1, ...)`. */
export interface RowStatement {
  readonly head: string;
  readonly tail: string;
  /** The part that `probeRows` leaves out. */
  readonly returning: string;
}

/** @param count the number of rows */
export function cellsSql(cells: Cells, count: number): SQL {
  const positions = sql.param(Array.from({ length: count }, (_, index) => index));
  const arrays = cells.map((texts) => sql`, ${sql.param([...texts])}::text[]`);
  const names = cells.map((_, index) => `, v${index}`).join("");
  return sql`unnest(${positions}::int[]${sql.join(arrays)}) AS cells ${sql.raw(`(r${names})`)}`;
}

export async function runStatement<Row extends Record<string, unknown>>(
  tx: Tx,
  { head, tail, returning }: RowStatement,
  cells: Cells,
  count: number,
): Promise<Row[]> {
  const result = await tx.db.execute(
    sql`${sql.raw(head)} ${cellsSql(cells, count)} ${sql.raw(`${tail} ${returning}`)}`,
  );
  return result.rows as Row[];
}

/** Returns what PostgreSQL says about rows; null if the error says nothing about them. */
export function rowFailureOf(error: unknown): pg.DatabaseError | null {
  const found = postgresError(error);
  if (!found?.code || isDatabaseUnavailable(error) || isLockTrouble(error)) return null;
  if (isServerTrouble(found.code) || found.code === SQLSTATE.inFailedTransaction) return null;
  return found;
}

/**
 * Executes a statement for one row after the other inside of PostgreSQL, and rolls all of it back. For many rows at fault
 * this is far faster than smaller and smaller sets: about 0.05 ms per row. Rows count as written for the rows after them.
 * @returns the failures, by position; null if the role may not do it
 */
export async function probeRows(
  tx: Tx,
  { head, tail }: RowStatement,
  cells: Cells,
  count: number,
): Promise<ReadonlyMap<number, pg.DatabaseError> | null> {
  const columns = cells.map((_, index) => `, item.v ->> ${index} AS v${index}`).join("");
  const body = `${head} (SELECT item.r AS r${columns}) AS cells ${tail}`;
  const rows = JSON.stringify(Array.from({ length: count }, (_, row) => cells.map((texts) => texts[row])));
  await tx.db.execute(sql`SAVEPOINT probe`);
  try {
    await tx.db.execute(sql`SELECT pg_catalog.set_config('rowmill.cells', ${rows}, true)`);
    await tx.db.execute(sql.raw(probeBlock(body)));
    const { rows: found } = await tx.db.execute<{ failures: string }>(
      sql`SELECT pg_catalog.current_setting('rowmill.failures') AS failures`,
    );
    return readFailures(found[0]?.failures ?? "[]", body);
  } catch (error) {
    if (rowFailureOf(error) === null) throw error;
    return null;
  } finally {
    await tx.db.execute(sql`ROLLBACK TO SAVEPOINT probe`);
    await tx.db.execute(sql`RELEASE SAVEPOINT probe`);
  }
}

/** The fields of an error that PL/pgSQL knows, and their names in node-postgres. */
const DIAGNOSTICS = [
  ["RETURNED_SQLSTATE", "code"],
  ["MESSAGE_TEXT", "message"],
  ["PG_EXCEPTION_DETAIL", "detail"],
  ["PG_EXCEPTION_HINT", "hint"],
  ["PG_EXCEPTION_CONTEXT", "where"],
  ["SCHEMA_NAME", "schema"],
  ["TABLE_NAME", "table"],
  ["COLUMN_NAME", "column"],
  ["CONSTRAINT_NAME", "constraint"],
  ["PG_DATATYPE_NAME", "dataType"],
] as const;

/** Errors that say nothing about a row end the block, as they would end the statement. */
function probeBlock(body: string): string {
  let tag = "$probe$";
  while (body.includes(tag)) tag = `$probe${tag.length}${tag.slice(-1)}`;
  const variables = DIAGNOSTICS.map((_, index) => `said${index}`);
  return `DO ${tag}
DECLARE
  item record; failures pg_catalog.json[] := '{}'; ${variables.map((name) => `${name} text;`).join(" ")}
BEGIN
  FOR item IN SELECT n - 1 AS r, v FROM pg_catalog.json_array_elements(pg_catalog.current_setting('rowmill.cells')::pg_catalog.json)
    WITH ORDINALITY AS items (v, n) ORDER BY n
  LOOP
    BEGIN
      ${body};
    EXCEPTION WHEN OTHERS THEN
      GET STACKED DIAGNOSTICS ${DIAGNOSTICS.map(([name], index) => `said${index} = ${name}`).join(", ")};
      IF said0 ~ '^(08|40|53|55|57|58|XX)' OR said0 = '${SQLSTATE.readOnlyTransaction}' THEN RAISE; END IF;
      failures := failures || pg_catalog.json_build_array(item.r, ${variables.join(", ")});
    END;
  END LOOP;
  PERFORM pg_catalog.set_config('rowmill.failures', pg_catalog.array_to_json(failures)::text, true);
END ${tag}`;
}

function readFailures(json: string, body: string): ReadonlyMap<number, pg.DatabaseError> {
  const failures = JSON.parse(json) as [row: number, ...said: string[]][];
  return new Map(failures.map(([row, ...said]) => [row, errorOf(said, body)]));
}

/** The same error as if the statement had been sent for this row alone. */
function errorOf(said: readonly string[], body: string): pg.DatabaseError {
  const fields = Object.fromEntries(DIAGNOSTICS.map(([, name], index) => [name, said[index] || undefined]));
  const error = Object.assign(new pg.DatabaseError(fields.message ?? "", 0, "error"), fields);
  // Functions that the statement has called are above it.
  const inner =
    (fields.where ?? "").split(body.trimStart().slice(0, STATEMENT_START))[0]?.split("\n").slice(0, -1) ?? [];
  error.where = inner.length > 0 ? inner.join("\n") : undefined;
  if (/RAISE$/.test(inner[0] ?? "")) error.routine = RAISED;
  else if (inner.length === 0 && error.code === SQLSTATE.insufficientPrivilege)
    error.routine = CHECKS_POLICIES;
  return error;
}

/** PostgreSQL does not tell PL/pgSQL which routine has reported an error (explain-write-error.ts). */
const RAISED = "exec_stmt_raise";
/** A missing privilege would have failed the set before the first row. */
const CHECKS_POLICIES = "ExecWithCheckOptions";
const STATEMENT_START = 20;

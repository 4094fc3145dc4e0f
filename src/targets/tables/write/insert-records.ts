/** Creates records. The rows have different keys and are in the order of their keys. */
import { sql } from "drizzle-orm";
import type pg from "pg";
import type { Tx } from "../../../context.ts";
import { underSavepoint } from "../../../platform/postgres/database.ts";
import { SQLSTATE } from "../../../platform/sqlstates.ts";
import { type FoundRecord, findRecords } from "./find-records.ts";
import { type Cells, probeRows, type RowStatement, rowFailureOf, runStatement } from "./row-statements.ts";
import { requireWritable, type TableWriter } from "./table-outcomes.ts";
import { type PlanColumn, recordKeyOf, type TablePlan } from "./table-plan.ts";
import { hasKey, type TableRow, textsOf } from "./table-rows.ts";

export interface WrittenRecord {
  /** null: records of the table cannot be found again. */
  readonly recordKey: string | null;
  readonly version: string;
}

export type InsertResult =
  | ({ readonly kind: "created" } & WrittenRecord)
  /** A record with the key exists. */
  | ({ readonly kind: "taken" } & FoundRecord)
  | { readonly kind: "skipped" }
  | { readonly kind: "failed"; readonly failure: pg.DatabaseError };

/**
 * Rows without a value for a column that has a default in the table must leave out the column, so rows are grouped by
 * these columns: one statement per group. Most slices have one group; with n such columns there are at most 2^n.
 * @returns one result per row, in their order
 * @throws an error that says nothing about a single row; the caller tries fewer rows
 */
export async function insertRecords(
  tx: Tx,
  writer: TableWriter,
  rows: readonly TableRow[],
): Promise<ReadonlyMap<TableRow, InsertResult>> {
  const results = new Map<TableRow, InsertResult>();
  const groups = Map.groupBy(rows, (row) => leftOut(writer.plan, row).join());
  for (const group of groups.values()) await insertGroup(tx, writer, group, results);
  return results;
}

/** The positions of the columns that the row leaves to their defaults. */
function leftOut({ columns }: TablePlan, { values }: TableRow): number[] {
  return columns.flatMap(({ hasDefault, name }, index) =>
    hasDefault && values[name] === undefined ? [index] : [],
  );
}

/** How often other transactions may create records with the keys of a group before their rows count as failed. */
const MAX_CONFLICTS = 3;

async function insertGroup(
  tx: Tx,
  writer: TableWriter,
  group: readonly TableRow[],
  results: Map<TableRow, InsertResult>,
): Promise<void> {
  const { plan } = writer;
  let open = group;
  let hasProbed = false;
  for (let conflicts = 0; open.length > 0; ) {
    try {
      const created = await underSavepoint(tx, () => insertSet(tx, plan, open));
      open.forEach((row, index) => {
        results.set(row, created[index] ?? { kind: "skipped" });
      });
      return;
    } catch (error) {
      const failure = rowFailureOf(error);
      if (!failure) throw error;
      requireWritable(writer, failure);
      // Whatever PostgreSQL reports first: it is about one row, and says nothing about the keys of the others.
      const rest = conflicts < MAX_CONFLICTS ? await withoutTaken(tx, plan, open, results) : open;
      if (rest.length < open.length) {
        open = rest;
        conflicts++;
        continue;
      }
      if (open.length === 1 && open[0]) {
        results.set(open[0], { kind: "failed", failure });
        return;
      }
      // The rows that passed the probe fail as a set: only fewer rows at a time can tell.
      if (hasProbed) throw error;
      hasProbed = true;
      const { statement, cells } = insertStatement(plan, open);
      const failures = await probeRows(tx, statement, cells, open.length);
      if (!failures || failures.size === 0) throw error;
      // Another transaction may have created records since.
      const rivals = open.filter((_, position) => failures.get(position)?.code === SQLSTATE.uniqueViolation);
      await withoutTaken(tx, plan, rivals, results);
      for (const [position, failed] of failures) {
        const row = open[position];
        if (row && !results.has(row)) results.set(row, { kind: "failed", failure: failed });
      }
      open = open.filter((_, position) => !failures.has(position));
    }
  }
}

/** Gives the rows whose key exists their result. @returns the other rows */
async function withoutTaken(
  tx: Tx,
  plan: TablePlan,
  rows: readonly TableRow[],
  results: Map<TableRow, InsertResult>,
): Promise<readonly TableRow[]> {
  const keyed = rows.filter((row) => hasKey(plan, row));
  if (keyed.length === 0) return rows;
  const taken = await findRecords(tx, plan, keyed);
  for (const [position, record] of taken) {
    const row = keyed[position];
    if (row) results.set(row, { kind: "taken", ...record });
  }
  return rows.filter((row) => !results.has(row));
}

interface Inserted extends Record<string, unknown> {
  readonly key: (string | null)[];
  readonly version: string;
}

/** @returns one result per row; undefined: a trigger skipped the row */
async function insertSet(
  tx: Tx,
  plan: TablePlan,
  rows: readonly TableRow[],
): Promise<(InsertResult | undefined)[]> {
  const { statement, cells } = insertStatement(plan, rows);
  const inserted =
    cells.length > 0
      ? await runStatement<Inserted>(tx, statement, cells, rows.length)
      : await insertDefaults(tx, statement, rows.length);
  const results = inserted.map(({ key, version }): InsertResult => {
    return { kind: "created", recordKey: plan.identity.length > 0 ? recordKeyOf(plan, key) : null, version };
  });
  // Records are returned in the order in which they were inserted, which is that of the rows.
  if (inserted.length === rows.length || inserted.length === 0) return results;
  return matchByKey(plan, rows, inserted, results);
}

/** No statement inserts several rows of defaults. Only a table whose columns all have one needs this. */
async function insertDefaults(tx: Tx, { head, returning }: RowStatement, count: number): Promise<Inserted[]> {
  const inserted: Inserted[] = [];
  for (let row = 0; row < count; row++) {
    const { rows } = await tx.db.execute<Inserted>(sql.raw(`${head} ${returning}`));
    inserted.push(...rows);
  }
  return inserted;
}

/**
 * A trigger skipped some rows. @throws Error if a trigger also changed keys, or the table has none: a single row needs no
 * match
 */
function matchByKey(
  plan: TablePlan,
  rows: readonly TableRow[],
  inserted: readonly Inserted[],
  results: readonly InsertResult[],
): (InsertResult | undefined)[] {
  const byKey = new Map(inserted.map(({ key }, index) => [JSON.stringify(key), results[index]]));
  const matched = rows.map(({ values }) =>
    byKey.get(JSON.stringify(plan.key.map(({ name }) => values[name] ?? null))),
  );
  if (plan.key.length === 0 || matched.filter((result) => result !== undefined).length !== inserted.length)
    throw new Error("A trigger skipped some of the rows, and changed others.");
  return matched;
}

function insertStatement(
  plan: TablePlan,
  rows: readonly TableRow[],
): { statement: RowStatement; cells: Cells } {
  const given = plan.columns.filter((column) => isGiven(column, rows));
  // Rows without any value need a column as well. Null is the default of one without a default.
  const columns = given.length > 0 ? given : plan.columns.filter((column) => !column.hasDefault).slice(0, 1);
  const returning = `RETURNING ${plan.identity.length > 0 ? plan.identityTexts : "NULL::text[]"} AS key, ${plan.version} AS version`;
  if (columns.length === 0) {
    return {
      statement: { head: `INSERT INTO ${plan.table} AS t DEFAULT VALUES`, tail: "", returning },
      cells: [],
    };
  }
  const values = columns.map(({ type }, index) => `cells.v${index}::${type}`);
  return {
    statement: {
      head: `INSERT INTO ${plan.table} AS t (${columns.map(({ quoted }) => quoted).join(", ")})
        SELECT ${values.join(", ")} FROM`,
      tail: "ORDER BY cells.r",
      returning,
    },
    cells: columns.map((column) => textsOf(rows, column)),
  };
}

/** All rows of a group leave out the same columns with a default. In other columns, no value is null. */
function isGiven({ name }: PlanColumn, rows: readonly TableRow[]): boolean {
  return rows.some(({ values }) => values[name] !== undefined);
}

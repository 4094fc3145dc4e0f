/** The rows of a slice, in the order in which records are locked. */
import { sql } from "drizzle-orm";
import type { Tx } from "../../../context.ts";
import type { TargetRow, Values } from "../../target.ts";
import { type Cells, cellsSql } from "./row-statements.ts";
import type { PlanColumn, TablePlan } from "./table-plan.ts";

export type TableRow = Pick<TargetRow<Values>, "row" | "values">;

/** The rows with one key, in the order of the file. Rows without a key, which the table makes, are alone. */
export type KeyGroup = readonly TableRow[];

/** Returns the values of a column, one per row. */
export function textsOf(rows: readonly TableRow[], column: Pick<PlanColumn, "name">): (string | null)[] {
  return rows.map(({ values }) => values[column.name] ?? null);
}

/** The cells `v0`, `v1` and so on are the key. */
export function keyCells({ key }: TablePlan, rows: readonly TableRow[]): Cells {
  return key.map((column) => textsOf(rows, column));
}

/** Whether the row names its record, so that it may exist already. */
export function hasKey({ key }: TablePlan, { values }: TableRow): boolean {
  return key.length > 0 && key.every(({ name }) => values[name] !== undefined);
}

/**
 * Groups rows by key. All transactions write groups in the same order, so that they do not wait for each other in a circle.
 * The database groups keys whose texts may differ although they are equal, such as 1 and 1.0. Call it with the role of the
 * target.
 */
export async function groupByKey(tx: Tx, plan: TablePlan, rows: readonly TableRow[]): Promise<KeyGroup[]> {
  const keyed = rows.filter((row) => hasKey(plan, row));
  const others = rows.filter((row) => !hasKey(plan, row)).map((row): KeyGroup => [row]);
  if (!plan.hasOwnKeyEquality) {
    const groups = Map.groupBy(keyed, (row) => JSON.stringify(plan.key.map(({ name }) => row.values[name])));
    return [...groups]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([, group]): KeyGroup => group)
      .concat(others);
  }
  const ranks = await rankKeys(tx, plan, keyed);
  const groups = Map.groupBy(keyed, (_, index) => ranks[index] ?? 0);
  return [...groups]
    .toSorted(([a], [b]) => a - b)
    .map(([, group]): KeyGroup => group)
    .concat(others);
}

/** The first part of the union gives the columns the types and the collations of the table. */
async function rankKeys(tx: Tx, plan: TablePlan, rows: readonly TableRow[]): Promise<number[]> {
  if (rows.length === 0) return [];
  const names = sql.raw(plan.key.map((_, index) => `k${index}`).join(", "));
  const own = sql.raw(plan.key.map(({ quoted }, index) => `t.${quoted} AS k${index}`).join(", "));
  const given = sql.raw(plan.key.map(({ type }, index) => `v${index}::${type}`).join(", "));
  const { rows: ranks } = await tx.db.execute<{ rank: number }>(sql`
    SELECT rank FROM (
      SELECT r, dense_rank() OVER (ORDER BY ${names})::int AS rank FROM (
        SELECT NULL::int AS r, ${own} FROM ${sql.raw(plan.table)} AS t WHERE false
        UNION ALL SELECT r, ${given} FROM ${cellsSql(keyCells(plan, rows), rows.length)}
      ) AS keys
    ) AS ranked ORDER BY r`);
  return ranks.map(({ rank }) => rank);
}

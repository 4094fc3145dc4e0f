import { type SQL, sql } from "drizzle-orm";

/**
 * Conditions and values for statements about some rows of a batch. For a join with `unnest` the planner may compare each row with
 * each element, because the statistics of a table that has just grown are old. This has only one plan: the index range.
 */
export function matchRows<R extends { readonly row: number }>(batchId: string, rows: readonly R[]) {
  const sorted = rows.toSorted((a, b) => a.row - b.row);
  const numbers = sql`${sql.param(sorted.map(({ row }) => row))}::int[]`;
  const [first, last] = [sorted[0]?.row ?? 0, sorted.at(-1)?.row ?? 0];
  return {
    isMatch: sql`batch_id = ${batchId} AND row_number BETWEEN ${first} AND ${last} AND row_number = ANY(${numbers})`,
    /**
     * The value of the matched row. A cast of it to an enum would be a stable function of a column, so `type` casts the array. Citus
     * 13.2.2 takes an element of an array in SET for an assignment to it, and ends with SIGSEGV; inside CASE, it does not.
     */
    valueOfRow: (pick: (row: R) => string | null, type: "text" | "rowmill.undo_outcome" = "text"): SQL =>
      sql`CASE WHEN row_number > 0 THEN (${sql.param(sorted.map(pick))}::${sql.raw(type)}[])[width_bucket(row_number, ${numbers})] END`,
  };
}

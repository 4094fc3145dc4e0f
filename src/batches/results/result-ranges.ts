/** Conditions that choose the rows and results of a page of a result file. */
import { type SQL, sql } from "drizzle-orm";

export const RESULT_FILES = ["success", "failed", "unprocessed", "all"] as const;
export type ResultFile = (typeof RESULT_FILES)[number];

/** Row numbers. */
export interface Range {
  readonly after: number;
  readonly rows: number;
}

export const RESULT = sql`row_number, status, error_code, error_message, record_id, record_key, undo`;

/**
 * A page is a range of row numbers. Its cost does not depend on statistics, which are old for a table that has just
 * grown: for `ORDER BY ... LIMIT 4000` the planner may sort all remaining rows for every page.
 */
export function within({ after, rows }: Range, id: string): SQL {
  return sql`batch_id = ${id} AND row_number > ${after} AND row_number <= ${after + rows}`;
}

/** The condition for rows that result files list with this status. Rows that were undone are in none of them. */
export function hasStatus(status: "success" | "failed"): SQL {
  return sql`status = ${sql.raw(`'${status}'`)} AND undo IS DISTINCT FROM 'reversed'`;
}

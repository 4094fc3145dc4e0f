import { type SQL, sql } from "drizzle-orm";

/**
 * Ends an INSERT ... SELECT of rows. Citus copies rows that a statement does not return, and then hides the code of an error. A row
 * that the database refuses is written alone in the end, so the rows of larger slices need not be returned.
 */
export function returnSingle(rows: readonly unknown[]): SQL {
  return rows.length === 1 ? sql` RETURNING id` : sql``;
}

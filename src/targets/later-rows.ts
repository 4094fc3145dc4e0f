import { sql } from "drizzle-orm";
import type { Tx } from "../context.ts";

/**
 * Of the records that rows of a batch are about to update, those that a later row of the file has settled already: its
 * chunk came first. It may have found its record as it should be, and left no mark on it. The caller has locked the
 * records. Only chunks that are ahead of this one have such rows, so few are read.
 */
export async function settledByLaterRows(
  tx: Tx,
  batchId: string,
  updates: readonly { readonly row: number; readonly recordId: number }[],
): Promise<ReadonlySet<number>> {
  if (updates.length === 0) return new Set();
  const rows = updates.map(({ row }) => row);
  const { rows: settled } = await tx.db.execute<{ id: string }>(sql`
    SELECT DISTINCT record_id AS id
    FROM unnest(${sql.param(updates.map(({ recordId }) => recordId))}::bigint[], ${sql.param(rows)}::int[])
      AS change (id, row_number)
    JOIN rowmill.row_results ON record_id = change.id AND row_results.row_number > change.row_number
    WHERE batch_id = ${batchId} AND row_results.row_number > ${Math.min(...rows)} AND status = 'success'`);
  return new Set(settled.map(({ id }) => Number(id)));
}

import { sql } from "drizzle-orm";
import type { Tx } from "../context.ts";

/**
 * Finds the records to update for which a later row of the file already has a result, because its chunk was processed
 * first. The later row wins, even if it left the record unchanged. The caller has locked the records. Only chunks that
 * ran ahead of this one have such rows, so the query reads few.
 */
export async function findDecidedByLaterRows(
  tx: Tx,
  batchId: string,
  updates: readonly { readonly row: number; readonly recordId: number }[],
): Promise<ReadonlySet<number>> {
  if (updates.length === 0) return new Set();
  const rows = updates.map(({ row }) => row);
  const { rows: decided } = await tx.db.execute<{ id: string }>(sql`
    SELECT DISTINCT record_id AS id
    FROM unnest(${sql.param(updates.map(({ recordId }) => recordId))}::bigint[], ${sql.param(rows)}::int[])
      AS change (id, row_number)
    JOIN rowmill.row_results ON record_id = change.id AND row_results.row_number > change.row_number
    WHERE batch_id = ${batchId} AND row_results.row_number > ${Math.min(...rows)} AND status = 'success'`);
  return new Set(decided.map(({ id }) => Number(id)));
}

import { sql } from "drizzle-orm";
import type { Tx } from "../context.ts";

/**
 * Finds the records to update for which a later row of the file already has a result, because its chunk was processed
 * first. The later row wins, even if it left the record unchanged. The caller has locked the records. Only chunks that
 * ran ahead of this one have such rows, so the query reads few. Without a join, it reads each of them once.
 */
export async function findDecidedByLaterRows(
  tx: Tx,
  batchId: string,
  updates: readonly { readonly row: number; readonly recordId: number }[],
): Promise<ReadonlySet<number>> {
  if (updates.length === 0) return new Set();
  const { rows: last } = await tx.db.execute<{ id: string; row: number }>(sql`
    SELECT record_id AS id, max(row_number) AS row FROM rowmill.row_results
    WHERE batch_id = ${batchId} AND row_number > ${Math.min(...updates.map(({ row }) => row))} AND status = 'success'
      AND record_id = ANY(${sql.param(updates.map(({ recordId }) => recordId))}::bigint[])
    GROUP BY record_id`);
  const lastRows = new Map(last.map(({ id, row }) => [Number(id), row]));
  return new Set(
    updates.flatMap(({ row, recordId }) => ((lastRows.get(recordId) ?? 0) > row ? recordId : [])),
  );
}

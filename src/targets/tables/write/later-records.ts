import { sql } from "drizzle-orm";
import type { Tx } from "../../../context.ts";

/** A later row of the file that has already written a record, because its chunk was processed first. */
export interface LaterRow {
  readonly row: number;
  /** The hash of the record after the write; null: the row left it unchanged. */
  readonly version: string | null;
}

/**
 * Finds the last such row per record, or the one that created it, among rows after the first of `records`. In the first run
 * only chunks that ran ahead have such rows, so the query reads few. When rows are retried or corrected, it reads the results
 * of all later rows of the batch: 0.4 s for a million. Call it with the role of Rowmill.
 * @returns by key of the record
 */
export async function findLaterRows(
  tx: Tx,
  batchId: string,
  records: readonly { readonly row: number; readonly recordKey: string }[],
  which: "last" | "creator",
): Promise<ReadonlyMap<string, LaterRow>> {
  if (records.length === 0) return new Map();
  const { rows } = await tx.db.execute<{ recordKey: string } & LaterRow & Record<string, unknown>>(sql`
    SELECT DISTINCT ON (record_key) record_key AS "recordKey", row_number AS row, record_version::text AS version
    FROM rowmill.row_results
    WHERE batch_id = ${batchId} AND row_number > ${Math.min(...records.map(({ row }) => row))} AND status = 'success'
      AND ${which === "creator" ? sql`effect = 'created'` : sql`true`}
      AND record_key = ANY(${sql.param(records.map(({ recordKey }) => recordKey))}::text[])
    ORDER BY record_key, row_number DESC`);
  return new Map(rows.map(({ recordKey, ...later }) => [recordKey, later]));
}

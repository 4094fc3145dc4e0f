import { sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import type { ChunkKey } from "../batch-jobs.ts";
import type { OpenRow } from "./process-rows.ts";

/** Reads the rows of a chunk that have no result. The subquery repeats the range, which the planner does not infer. */
export async function readOpenRows(
  tx: Tx,
  { batchId, firstRow }: ChunkKey,
  lastRow: number,
): Promise<OpenRow[]> {
  const { rows } = await tx.db.execute<{ row: number; fields: string[]; problem: string | null }>(sql`
    SELECT row_number AS row, fields, problem FROM rowmill.batch_rows
    WHERE batch_id = ${batchId} AND row_number BETWEEN ${firstRow} AND ${lastRow}
      AND row_number NOT IN (
        SELECT row_number FROM rowmill.row_results WHERE batch_id = ${batchId} AND row_number BETWEEN ${firstRow} AND ${lastRow}
      )
    ORDER BY row_number`);
  return rows;
}

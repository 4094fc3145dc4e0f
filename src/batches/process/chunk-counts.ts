import { sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";

/** Forgets what came of a batch's rows, where nothing was written of them: all of it is to be done again. */
export async function resetChunks(tx: Tx, batchId: string): Promise<void> {
  await tx.db.execute(sql`DELETE FROM rowmill.row_results WHERE batch_id = ${batchId}`);
  await tx.db.execute(sql`
    UPDATE rowmill.chunks SET state = 'queued', succeeded = 0, failed = 0, created = 0, updated = 0, unchanged = 0,
      updated_at = statement_timestamp()
    WHERE batch_id = ${batchId}`);
  await recountChunks(tx, batchId);
}

/** Counts the chunks that are left of a batch anew, where more than one of them was opened or closed. */
export async function recountChunks(tx: Tx, batchId: string): Promise<void> {
  await tx.db.execute(sql`
    UPDATE rowmill.batches SET chunks_left = (SELECT count(*) FROM rowmill.chunks WHERE batch_id = ${batchId} AND state <> 'done')
    WHERE id = ${batchId}`);
}

/**
 * Of a batch that is written as a whole and was not: rows that would have succeeded have no result, they are left as
 * they were. What failed stays failed.
 */
export async function forgetSuccesses(tx: Tx, batchId: string): Promise<void> {
  await tx.db.execute(sql`
    UPDATE rowmill.chunks SET state = CASE WHEN failed = row_count THEN 'done' ELSE 'queued' END::rowmill.chunk_state,
      succeeded = 0, created = 0, updated = 0, unchanged = 0
    WHERE batch_id = ${batchId}`);
  await recountChunks(tx, batchId);
}

import { sql } from "drizzle-orm";
import type { Context } from "../context.ts";

/**
 * Forgets the rows that had succeeded so far in a batch which is written as a whole, where in the end nothing was: they
 * are left as they were, and the rows that failed keep their reasons.
 */
export async function forgetSuccesses(tx: Context, batchId: string): Promise<void> {
  await tx.db.execute(sql`
    UPDATE chunks SET state = CASE WHEN failed = row_count THEN 'done' ELSE 'queued' END::chunk_state,
      succeeded = 0, created = 0, updated = 0, unchanged = 0, updated_at = statement_timestamp()
    WHERE batch_id = ${batchId}`);
}

/** Forgets what came of a batch's rows, where nothing was written of them: all of it is to be done again. */
export async function resetChunks(tx: Context, batchId: string): Promise<void> {
  await tx.db.execute(sql`DELETE FROM row_results WHERE batch_id = ${batchId}`);
  await tx.db.execute(sql`
    UPDATE chunks SET state = 'queued', succeeded = 0, failed = 0, created = 0, updated = 0, unchanged = 0,
      updated_at = statement_timestamp()
    WHERE batch_id = ${batchId}`);
  await tx.db.execute(sql`
    UPDATE batches SET chunks_left = (SELECT count(*) FROM chunks WHERE batch_id = ${batchId}) WHERE id = ${batchId}`);
}

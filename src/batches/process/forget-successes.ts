import { sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { recountChunks } from "./recount-chunks.ts";

/**
 * Of a batch that is written as a whole and was not: rows that would have succeeded have no result, they are left as
 * they were. What failed stays failed.
 */
export async function forgetSuccesses(tx: Context, batchId: string): Promise<void> {
  await tx.db.execute(sql`
    UPDATE chunks SET state = CASE WHEN failed = row_count THEN 'done' ELSE 'queued' END::chunk_state,
      succeeded = 0, created = 0, updated = 0, unchanged = 0
    WHERE batch_id = ${batchId}`);
  await recountChunks(tx, batchId);
}

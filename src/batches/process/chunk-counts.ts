import { sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { recountChunks } from "./recount-chunks.ts";

/** Forgets what came of a batch's rows, where nothing was written of them: all of it is to be done again. */
export async function resetChunks(tx: Context, batchId: string): Promise<void> {
  await tx.db.execute(sql`DELETE FROM row_results WHERE batch_id = ${batchId}`);
  await tx.db.execute(sql`
    UPDATE chunks SET state = 'queued', succeeded = 0, failed = 0, created = 0, updated = 0, unchanged = 0,
      updated_at = statement_timestamp()
    WHERE batch_id = ${batchId}`);
  await recountChunks(tx, batchId);
}

import { sql } from "drizzle-orm";
import type { Context } from "../../context.ts";

/** Counts the chunks that are left of a batch anew, where more than one of them was opened or closed. */
export async function recountChunks(tx: Context, batchId: string): Promise<void> {
  await tx.db.execute(sql`
    UPDATE batches SET chunks_left = (SELECT count(*) FROM chunks WHERE batch_id = ${batchId} AND state <> 'done')
    WHERE id = ${batchId}`);
}

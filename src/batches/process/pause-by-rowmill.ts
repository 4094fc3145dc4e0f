import { eq } from "drizzle-orm";
import { type Context, inTransaction } from "../../context.ts";
import { batches } from "../../schema/batches.ts";
import { allows } from "../state.ts";
import { transition } from "../transitions.ts";

/**
 * Pauses a batch of which no row can succeed now. Its owner resumes it when the cause is removed.
 * @param ctx outside the transaction of the chunk, which writes nothing
 * @param cause for people, as the reason of the batch
 */
export function pauseByRowmill(ctx: Context, batchId: string, cause: string): Promise<void> {
  return inTransaction(ctx, async (tx) => {
    const [batch] = await tx.db
      .select({ state: batches.state })
      .from(batches)
      .where(eq(batches.id, batchId))
      .for("update");
    // Several workers may find the cause at the same time.
    if (!batch || !allows("pause", batch.state)) return;
    await transition(tx, batchId, "pause", { reason: `Paused by Rowmill: ${cause}` });
    ctx.log.warn({ batchId, cause }, "batch paused because no row can succeed");
  });
}

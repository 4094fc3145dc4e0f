import { eq } from "drizzle-orm";
import { alertAdmins } from "../../announcements/alert-admins.ts";
import { type Context, inTransaction } from "../../context.ts";
import { batches } from "../../schema/batches.ts";
import { allows } from "../state.ts";
import { transition } from "../transitions.ts";

/**
 * Pauses a batch of which no row can succeed now. Its owner resumes it when the cause is removed.
 * @param ctx outside the transaction of the chunk, unless that keeps what it has written
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
    const reason = `Paused by Rowmill: ${cause}`;
    const { target } = await transition(tx, batchId, "pause", { reason, failedRequests: 0 });
    await alertAdmins(tx, {
      key: `paused/${target}`,
      subject: `A batch for ${target} is paused`,
      message: `No row of the batch ${batchId} can succeed now: ${cause}`,
    });
    tx.afterCommit.push(() => ctx.log.warn({ batchId, cause }, "batch paused because no row can succeed"));
  });
}

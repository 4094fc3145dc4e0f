import { eq } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { batches } from "../../schema/batches.ts";
import { forgetSuccesses } from "../process/chunk-counts.ts";
import type { StoredBatch } from "../queries.ts";
import { hasEnded, isWhole, requireEdge } from "../state.ts";
import { endBatch, isAlreadyIn } from "../transitions.ts";
import { commandBatch } from "./command-batch.ts";

/** Ends a batch where it is: what was committed stays, what was not is unprocessed. */
export function cancelBatch(
  ctx: Context,
  userId: number,
  batchId: string,
  reason = "Cancelled by its owner.",
): Promise<StoredBatch> {
  return commandBatch(ctx, userId, batchId, async (tx, batch) => {
    if (isAlreadyIn(batch, "cancelled")) return;
    if (batch.state === "receiving") {
      throw new DomainError("conflict", "The file is still being sent; end the upload to drop the batch.");
    }
    requireEdge("cancel", batch.state, "cancelled");
    if (isWhole(batch)) await forgetSuccesses(tx, batchId);
    // Its first end was told already, so this one is another's.
    if (hasEnded(batch.state)) {
      await tx.db
        .update(batches)
        .set({ run: batch.run + 1 })
        .where(eq(batches.id, batchId));
    }
    await endBatch(tx, batchId, "cancel", reason);
  });
}

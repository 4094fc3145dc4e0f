import { eq } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { batches } from "../../schema/batches.ts";
import type { StoredBatch } from "../queries.ts";
import { forgetChecked, forgetSuccesses } from "../settle/chunk-counts.ts";
import { hasEnded, isOneJob, isWhole, requireEdge } from "../state.ts";
import { endBatch, isAlreadyIn } from "../transitions.ts";
import { commandBatch } from "./command-batch.ts";

/**
 * Ends a batch. Committed rows keep their results; the others become unprocessed.
 * @throws DomainError `not_found` or `conflict`
 */
export function cancelBatch(
  ctx: Context,
  userId: number,
  batchId: string,
  reason = "Cancelled by its owner.",
): Promise<StoredBatch> {
  return commandBatch(ctx, userId, batchId, async (tx, batch) => {
    if (isAlreadyIn(batch, "cancelled")) return;
    if (batch.state === "receiving") {
      const message = "The file is still being uploaded. To discard the batch, abort the upload.";
      throw new DomainError("conflict", message);
    }
    requireEdge("cancel", batch.state, "cancelled");
    if (isWhole(batch)) await forgetSuccesses(tx, batchId);
    if (isWhole(batch) && !isOneJob(batch)) await forgetChecked(tx, batchId);
    // The end of the current run was announced already: the dry run is validated.
    if (hasEnded(batch.state)) {
      await tx.db
        .update(batches)
        .set({ run: batch.run + 1 })
        .where(eq(batches.id, batchId));
    }
    await endBatch(tx, batchId, "cancel", reason);
  });
}

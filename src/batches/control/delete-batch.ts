import { recordOwn } from "../../audit/record-repeated.ts";
import { type Context, inTransaction } from "../../context.ts";
import { requireEdge } from "../state.ts";
import { lockBatch, transition } from "../transitions.ts";
import { removeBatch } from "../upkeep/remove-batch.ts";

/**
 * Removes a batch that has ended, with its rows and results. Its records stay. The reconciler completes an interrupted
 * removal.
 * @throws DomainError `not_found` or `conflict`
 */
export async function deleteBatch(ctx: Context, userId: number, batchId: string): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const batch = await lockBatch(tx, userId, batchId);
    const { state, target, filename, totalRows } = batch;
    requireEdge("delete", state, "deleted");
    await transition(tx, batchId, "delete", { finishedAt: null, receivedAt: tx.now() });
    await recordOwn(tx, {
      action: "batch.deleted",
      subject: { type: "batch", id: batchId },
      ownerId: userId,
      details: { target, file_name: filename, state, rows: totalRows },
    });
  });
  await removeBatch(ctx, batchId);
}

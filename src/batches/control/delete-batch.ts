import { type Context, inTransaction } from "../../context.ts";
import { lockBatch, requireEdge, transition } from "../transitions.ts";
import { removeBatch } from "../upkeep/remove-batch.ts";

/** Removes a batch that has ended, with its rows and results; its records stay. Cut short, the reconciler ends it. */
export async function deleteBatch(ctx: Context, userId: number, batchId: string): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    requireEdge(await lockBatch(tx, userId, batchId), "delete", "deleted");
    await transition(tx, batchId, "delete", { finishedAt: null });
  });
  await removeBatch(ctx, batchId);
}

import { type Context, inTransaction } from "../../context.ts";
import { requireEdge } from "../state.ts";
import { isAlreadyIn, lockBatch, transition } from "../transitions.ts";

/** Holds a batch: what workers have in hand of it they give up within about a second, and take nothing more. */
export function pauseBatch(ctx: Context, userId: number, batchId: string): Promise<void> {
  return inTransaction(ctx, async (tx) => {
    const batch = await lockBatch(tx, userId, batchId);
    if (isAlreadyIn(batch, "paused")) return;
    requireEdge("pause", batch.state, "paused");
    await transition(tx, batchId, "pause", { reason: "Paused by its owner." });
  });
}

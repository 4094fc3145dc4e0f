import type { Context } from "../../context.ts";
import type { StoredBatch } from "../queries.ts";
import { requireEdge } from "../state.ts";
import { isAlreadyIn, transition } from "../transitions.ts";
import { commandBatch } from "./command-batch.ts";

/** Holds a batch: what workers have in hand of it they give up within about a second, and take nothing more. */
export function pauseBatch(ctx: Context, userId: number, batchId: string): Promise<StoredBatch> {
  return commandBatch(ctx, userId, batchId, async (tx, batch) => {
    if (isAlreadyIn(batch, "paused")) return;
    requireEdge("pause", batch.state, "paused");
    await transition(tx, batchId, "pause", { reason: "Paused by its owner." });
  });
}

import type { Context } from "../../context.ts";
import type { StoredBatch } from "../queries.ts";
import { requireEdge } from "../state.ts";
import { isAlreadyIn, transition } from "../transitions.ts";
import { commandBatch } from "./command-batch.ts";

/**
 * Pauses a batch. Workers give up the rows that they are processing within about a second and take no more.
 * @throws DomainError `not_found` or `conflict`
 */
export function pauseBatch(
  ctx: Context,
  userId: number,
  batchId: string,
  reason = "Paused by its owner.",
): Promise<StoredBatch> {
  return commandBatch(ctx, userId, batchId, async (tx, batch) => {
    if (isAlreadyIn(batch, "paused")) return;
    requireEdge("pause", batch.state, "paused");
    await transition(tx, batchId, "pause", { reason });
  });
}

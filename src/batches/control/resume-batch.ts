import { type Context, inTransaction, type Tx } from "../../context.ts";
import { enqueueWork } from "../process/enqueue-work.ts";
import { finishBatch } from "../process/settle-chunk.ts";
import { isWhole, requireEdge } from "../state.ts";
import { isAlreadyIn, lockBatch, startBatch, transition } from "../transitions.ts";
import { lockOpenChunks, retryWhileLocked } from "./lock-open-chunks.ts";

/** Lets a paused batch go on where it was held. */
export function resumeBatch(ctx: Context, userId: number, batchId: string): Promise<void> {
  return retryWhileLocked(() => inTransaction(ctx, (tx) => resume(tx, userId, batchId)));
}

async function resume(tx: Tx, userId: number, batchId: string): Promise<void> {
  const batch = await lockBatch(tx, userId, batchId);
  if (isAlreadyIn(batch, "queued", "processing")) return;
  requireEdge("resume", batch.state, "resumed");
  await lockOpenChunks(tx, batchId);
  // A run of its own, where a worker that has not seen the pause yet could take the whole batch for its own still.
  const run = isWhole(batch) ? batch.run + 1 : batch.run;
  const resumed = await transition(tx, batchId, "resume", { reason: null, run });
  if (isWhole(resumed) || resumed.chunksLeft > 0) return enqueueWork(tx, resumed);
  // Its last rows were done when it was paused already.
  await tx.db.execute(startBatch(batchId));
  await finishBatch(tx, batchId);
}

import type { Context, Tx } from "../../context.ts";
import { enqueueWork } from "../process/enqueue-work.ts";
import { finishBatch } from "../process/settle-chunk.ts";
import type { StoredBatch } from "../queries.ts";
import { isWhole, requireEdge } from "../state.ts";
import { type Batch, isAlreadyIn, startBatch, transition } from "../transitions.ts";
import { commandBatch } from "./command-batch.ts";
import { lockOpenChunks, retryWhileLocked } from "./lock-open-chunks.ts";

/** Lets a paused batch go on where it was held. */
export function resumeBatch(ctx: Context, userId: number, batchId: string): Promise<StoredBatch> {
  return retryWhileLocked(() => commandBatch(ctx, userId, batchId, resume));
}

async function resume(tx: Tx, batch: Batch): Promise<void> {
  if (isAlreadyIn(batch, "queued", "processing")) return;
  requireEdge("resume", batch.state, "resumed");
  await lockOpenChunks(tx, batch.id);
  // A run of its own, where a worker that has not seen the pause yet could take the whole batch for its own still.
  const run = isWhole(batch) ? batch.run + 1 : batch.run;
  const resumed = await transition(tx, batch.id, "resume", { reason: null, run });
  if (isWhole(resumed) || resumed.chunksLeft > 0) return enqueueWork(tx, resumed);
  // Its last rows were done when it was paused already.
  await tx.db.execute(startBatch(batch.id));
  await finishBatch(tx, batch.id);
}

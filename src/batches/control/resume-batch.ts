import type { Context, Tx } from "../../context.ts";
import { requireUploadRight } from "../../targets/define/require-upload-right.ts";
import { enqueueWork } from "../enqueue/enqueue-work.ts";
import type { StoredBatch } from "../queries.ts";
import { finishBatch } from "../settle/finish-batch.ts";
import { isOneJob, isWhole, requireEdge } from "../state.ts";
import { type Batch, isAlreadyIn, startBatch, transition } from "../transitions.ts";
import { commandBatch } from "./command-batch.ts";
import { lockOpenChunks, retryWhileLocked } from "./lock-open-chunks.ts";

/**
 * Resumes a paused batch with the rows that have no result.
 * @throws DomainError `not_found` or `conflict`
 */
export function resumeBatch(ctx: Context, userId: number, batchId: string): Promise<StoredBatch> {
  return retryWhileLocked(() => commandBatch(ctx, userId, batchId, resume));
}

async function resume(tx: Tx, batch: Batch): Promise<void> {
  if (isAlreadyIn(batch, "queued", "processing")) return;
  requireEdge("resume", batch.state, "resumed");
  await requireUploadRight(tx, batch);
  await lockOpenChunks(tx, batch.id);
  // A new run: otherwise a worker that has not noticed the pause would continue to process the whole batch.
  const run = isWhole(batch) ? batch.run + 1 : batch.run;
  const resumed = await transition(tx, batch.id, "resume", { reason: null, run });
  if (isOneJob(resumed) || resumed.chunksLeft > 0) return enqueueWork(tx, resumed);
  // The last rows got their results before the pause.
  await tx.db.execute(startBatch(tx, batch.id));
  await finishBatch(tx, batch.id, resumed);
}

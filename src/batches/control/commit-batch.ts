import type { Context } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { resetChunks } from "../process/chunk-counts.ts";
import { enqueueWork } from "../process/enqueue-work.ts";
import type { StoredBatch } from "../queries.ts";
import { requireEdge, transitions } from "../state.ts";
import { isAlreadyIn, transition } from "../transitions.ts";
import { commandBatch } from "./command-batch.ts";

/** Where committing leads by itself: who asks again may do so late. */
const COMMITTED_STATES = [
  transitions.commit.to,
  transitions.start.to,
  transitions.complete.to,
  transitions.completeWithErrors.to,
  transitions.fail.to,
] as const;

/** Processes for good what a dry run has checked, by the same code, without the file being sent again. */
export function commitBatch(ctx: Context, userId: number, batchId: string): Promise<StoredBatch> {
  return commandBatch(ctx, userId, batchId, async (tx, batch) => {
    const wasCommitted = !batch.isDryRun && batch.run > 1;
    if (wasCommitted && isAlreadyIn(batch, ...COMMITTED_STATES)) return;
    if (!batch.isDryRun)
      throw new DomainError("conflict", "The batch is no dry run, so there is nothing to commit.");
    requireEdge("commit", batch.state, "committed");
    await resetChunks(tx, batchId);
    const committed = await transition(tx, batchId, "commit", {
      isDryRun: false,
      run: batch.run + 1,
      reason: null,
      startedAt: null,
      finishedAt: null,
      pacedUntil: tx.now(),
    });
    await enqueueWork(tx, committed);
  });
}

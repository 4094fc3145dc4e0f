import type { Context } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { requireUploadRight } from "../../targets/define/require-upload-right.ts";
import { enqueueWork } from "../enqueue/enqueue-work.ts";
import type { StoredBatch } from "../queries.ts";
import { resetChunks } from "../settle/chunk-counts.ts";
import { requireEdge, transitions } from "../state.ts";
import { isAlreadyIn, transition } from "../transitions.ts";
import { commandBatch } from "./command-batch.ts";

/** The states that a committed batch reaches without another command. Repeating the request in them changes nothing. */
const COMMITTED_STATES = [
  transitions.commit.to,
  transitions.start.to,
  transitions.complete.to,
  transitions.completeWithErrors.to,
  transitions.fail.to,
] as const;

/**
 * Imports the rows of a dry run, which are stored already, by the same code.
 * @throws DomainError `not_found` or `conflict`
 */
export function commitBatch(ctx: Context, userId: number, batchId: string): Promise<StoredBatch> {
  return commandBatch(ctx, userId, batchId, async (tx, batch) => {
    const wasCommitted = !batch.isDryRun && batch.run > 1;
    if (wasCommitted && isAlreadyIn(batch, ...COMMITTED_STATES)) return;
    if (!batch.isDryRun)
      throw new DomainError("conflict", "The batch is not a dry run, so there is nothing to commit.");
    requireEdge("commit", batch.state, "committed");
    await requireUploadRight(tx, batch);
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

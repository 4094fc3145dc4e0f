import type { Context } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { jobs } from "../../jobs.ts";
import { targetNamed } from "../../targets/registry.ts";
import { batchJob } from "../batch-jobs.ts";
import type { StoredBatch } from "../queries.ts";
import { requireEdge } from "../state.ts";
import { isAlreadyIn, transition } from "../transitions.ts";
import { commandBatch } from "./command-batch.ts";

/** Begins to put the records of a batch back as they were; a worker does it, chunk by chunk. */
export function undoBatch(ctx: Context, userId: number, batchId: string): Promise<StoredBatch> {
  return commandBatch(ctx, userId, batchId, async (tx, batch) => {
    if (isAlreadyIn(batch, "undoing", "undone")) return;
    requireEdge("undo", batch.state, "undone");
    if (!targetNamed(batch.target).undo) {
      throw new DomainError("conflict", `What the target ${batch.target} writes can't be undone.`);
    }
    const undoing = await transition(tx, batchId, "undo", {
      run: batch.run + 1,
      reason: null,
      finishedAt: null,
    });
    await tx.queue.add(tx.db, jobs.undoBatch, [batchJob("undo", undoing)]);
  });
}

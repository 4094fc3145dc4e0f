import { sql } from "drizzle-orm";
import type { Context, Tx } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { jobs } from "../../jobs.ts";
import { traitsOfBatch } from "../../targets/rights.ts";
import { batchJob } from "../batch-jobs.ts";
import type { StoredBatch } from "../queries.ts";
import { requireEdge } from "../state.ts";
import { type Batch, isAlreadyIn, transition } from "../transitions.ts";
import { commandBatch } from "./command-batch.ts";

/**
 * Starts to undo a batch; a worker reverts its records, chunk by chunk. For a batch that is undone, it tries again the
 * records that were kept: the later batch that changed them may have been undone since.
 * @throws DomainError `not_found`, or `conflict` if the state or the target does not allow it
 */
export function undoBatch(ctx: Context, userId: number, batchId: string): Promise<StoredBatch> {
  return commandBatch(ctx, userId, batchId, async (tx, batch) => {
    if (isAlreadyIn(batch, "undoing")) return;
    if (isAlreadyIn(batch, "undone") && !(await reopenKept(tx, batch))) return;
    requireEdge("undo", batch.state, "undone");
    if (!traitsOfBatch(batch).canUndo) {
      throw new DomainError("conflict", `The target ${batch.target} does not support undo.`);
    }
    const undoing = await transition(tx, batchId, "undo", {
      run: batch.run + 1,
      reason: null,
      finishedAt: null,
    });
    await tx.queue.add(tx.db, jobs.undoBatch, [batchJob("undo", undoing)]);
  });
}

/** @returns false if every record of the batch was reverted */
async function reopenKept(tx: Tx, batch: Batch): Promise<boolean> {
  const batchId = batch.id;
  // A service undoes the rows of a chunk in several requests: the marks say which rows it has dealt with.
  if (traitsOfBatch(batch).isRemote) {
    await tx.db.execute(sql`
      UPDATE rowmill.row_results SET undo = NULL, undo_reason = NULL
      WHERE batch_id = ${batchId} AND undo IN ('kept', 'failed')`);
  }
  const { rowCount } = await tx.db.execute(sql`
    UPDATE rowmill.chunks SET is_undone = false, kept = 0, undo_failed = 0
    WHERE batch_id = ${batchId} AND kept + undo_failed > 0`);
  return (rowCount ?? 0) > 0;
}

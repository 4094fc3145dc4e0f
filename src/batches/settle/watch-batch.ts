import { eq } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { type Watch, watch } from "../../platform/process/watch.ts";
import { batches } from "../../schema/batches.ts";
import { RUNNABLE_STATES } from "../state.ts";

/** Workers notice within this time that a batch was paused or cancelled. */
const POLL_MS = 500;

/** Thrown to roll back the records of a batch that was paused or ended while its rows were processed. */
export class BatchStopped extends Error {
  override name = "BatchStopped";
}

/**
 * Polls the state of a batch while its rows are processed, so that workers stop early. Correctness does not depend on it:
 * results are stored only after another check under the lock of the batch.
 */
export function watchBatch(ctx: Context, batchId: string): Watch {
  const look = async () => {
    const [batch] = await ctx.db
      .select({ state: batches.state })
      .from(batches)
      .where(eq(batches.id, batchId));
    return RUNNABLE_STATES.some((state) => state === batch?.state) ? null : new BatchStopped();
  };
  return watch(POLL_MS, look, (error) =>
    ctx.log.warn({ err: error, batchId }, "cannot read the state of the batch"),
  );
}

/** When the rows of a chunk are given up. */
export interface Signals {
  /** Aborts when the worker stops: the rows are sent again later. */
  readonly delivery: AbortSignal;
  /** Aborts when the batch is stopped. A request that was sent is still waited for, and its results are stored. */
  readonly batch: AbortSignal;
}

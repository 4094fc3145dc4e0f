import { eq } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { type Watch, watch } from "../../platform/process/watch.ts";
import { batches } from "../../schema/batches.ts";
import { RUNNABLE_STATES } from "../state.ts";

/** A batch that is paused or cancelled stops everywhere within this time and a query. */
const LOOK_EVERY_MS = 500;

/** Thrown to undo what a chunk has written of a batch that may not run any more. */
export class BatchStopped extends Error {
  override name = "BatchStopped";
}

/** Looks at a batch's state while its rows are worked on. What decides is the guard when a chunk is settled. */
export function watchBatch(ctx: Context, batchId: string): Watch {
  const look = async () => {
    const [batch] = await ctx.db
      .select({ state: batches.state })
      .from(batches)
      .where(eq(batches.id, batchId));
    return RUNNABLE_STATES.some((state) => state === batch?.state) ? null : new BatchStopped();
  };
  return watch(LOOK_EVERY_MS, look, (error) =>
    ctx.log.warn({ err: error, batchId }, "could not look at a batch's state"),
  );
}

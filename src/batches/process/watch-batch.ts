import { eq } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { batches } from "../../schema/batches.ts";
import { RUNNABLE_STATES } from "../state.ts";

/** A batch that is paused or cancelled stops everywhere within this time and a query. */
const LOOK_EVERY_MS = 500;

/** Thrown to undo what a chunk has written of a batch that may not run any more. */
export class BatchStopped extends Error {
  override name = "BatchStopped";
}

export interface BatchWatch extends Disposable {
  /** Aborts when the batch may not run any more. */
  readonly signal: AbortSignal;
}

/**
 * Looks at a batch's state while its rows are worked on. A look twice a second costs nothing beside a chunk, needs
 * no connection of its own, and works on databases without NOTIFY. What decides is the guard when a chunk is settled.
 */
export function watchBatch(ctx: Context, batchId: string): BatchWatch {
  const stopped = new AbortController();
  const look = async () => {
    const [batch] = await ctx.db
      .select({ state: batches.state })
      .from(batches)
      .where(eq(batches.id, batchId));
    if (!RUNNABLE_STATES.some((state) => state === batch?.state)) stopped.abort(new BatchStopped());
  };
  const timer = setInterval(() => {
    look().catch((error) => ctx.log.warn({ err: error, batchId }, "could not look at a batch's state"));
  }, LOOK_EVERY_MS);
  return { signal: stopped.signal, [Symbol.dispose]: () => clearInterval(timer) };
}

import { type Context, publishChange } from "../context.ts";

/** Its payload is the batch's id. */
export const BATCH_CHANNEL = "rowmill_batch";

/**
 * Tells whoever watches the batch that it has changed; in a transaction, when that commits. To be called wherever
 * its state or its counts change. A chunk of 4,000 rows can well bear the round trip (0.2 ms).
 */
export function batchChanged(ctx: Context, batchId: string): Promise<void> {
  return publishChange(ctx, BATCH_CHANNEL, [batchId]);
}

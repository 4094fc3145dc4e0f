import { publishChange, type Tx } from "../context.ts";

/** Its payload is the batch's id. */
export const BATCH_CHANNEL = "rowmill_batch";

/**
 * Tells those who watch the batch that it has changed, when the transaction commits. Call it wherever the batch's state
 * or its counts change. The round trip (0.2 ms) is small beside a chunk of 4,000 rows.
 */
export function batchChanged(tx: Tx, batchId: string): Promise<void> {
  return publishChange(tx, BATCH_CHANNEL, [batchId]);
}

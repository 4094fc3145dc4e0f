import { type Context, inTransaction, type Tx } from "../../context.ts";
import { getBatch, type StoredBatch } from "../queries.ts";
import { type Batch, lockBatch } from "../transitions.ts";

/**
 * Runs a command on one of the user's batches, which is locked until the commit.
 * @returns the batch afterwards, as routes show it
 * @throws DomainError `not_found`, and what the command throws
 */
export function commandBatch(
  ctx: Context,
  userId: number,
  batchId: string,
  command: (tx: Tx, batch: Batch) => Promise<void>,
): Promise<StoredBatch> {
  return inTransaction(ctx, async (tx) => {
    await command(tx, await lockBatch(tx, userId, batchId));
    return getBatch(tx, userId, batchId);
  });
}

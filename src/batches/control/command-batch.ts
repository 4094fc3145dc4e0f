import { type Context, inTransaction, type Tx } from "../../context.ts";
import { getBatch, type StoredBatch } from "../queries.ts";
import { type Batch, lockBatch } from "../transitions.ts";

/**
 * Runs a command on a batch of the user, with the batch locked until the commit.
 * @returns the batch after the command
 * @throws DomainError `not_found`, or the error of the command
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

/** Creates the records of a chunk with few statements. */
import { LRUCache } from "lru-cache";
import type { Context, Tx } from "../../../context.ts";
import { MustPause } from "../../../errors.ts";
import type { Columns, SetTarget, TargetBatch, Values } from "../../../targets/target.ts";
import type { OpenChunk } from "../../settle/lock-chunk.ts";
import { storeCreated } from "../../settle/store-results.ts";
import { readAll, SLICE_BYTES, takeMemory } from "../read/read-open-rows.ts";
import { tooManyFields } from "../read/validate-rows.ts";
import { endStatementOnAbort } from "./end-statement.ts";
import { tryWrite } from "./try-write.ts";

/** How many more chunks of each batch were tried in vain than written. Such batches may update records, or break a constraint in each chunk. */
const failures = new LRUCache<string, number>({ max: 1000 });
const MAX_FAILURES = 2;

/**
 * Stores the results of the rows that it writes. All other rows stay open.
 * @param ctx outside the transaction, to end the statement when the signal aborts
 * @returns the number of rows that were written
 * @throws the reason of the signal, or the exception if the transaction is lost
 */
export async function writeNewRecords(
  ctx: Context,
  tx: Tx,
  { target, batch }: { target: SetTarget<Columns, Values>; batch: TargetBatch },
  chunk: OpenChunk,
  signal: AbortSignal,
): Promise<number> {
  const { bytes } = chunk;
  const failed = failures.get(batch.id) ?? 0;
  if (!target.newRecords || failed >= MAX_FAILURES || bytes === null || bytes > SLICE_BYTES) return 0;
  await using _ = await endStatementOnAbort(ctx, tx, signal);
  let mustPause = false;
  const write = async () => {
    const records = await target.newRecords?.(tx, batch);
    if (!records) return undefined;
    using _memory = await takeMemory(bytes);
    signal.throwIfAborted();
    await readAll(tx, chunk, (row, fields) => {
      if (tooManyFields(target, batch, fields) === null) records.add(row, fields);
    });
    const created = await records.create(tx);
    if (!created) return undefined;
    signal.throwIfAborted();
    if (created.rows.length > 0) await storeCreated(tx, chunk, created);
    return created.rows.length;
  };
  const onError = (error: unknown) => {
    mustPause = error instanceof MustPause;
  };
  // Other transactions lock existing records before they create new ones. A set does not know which ones exist.
  const mayWait = batch.mode !== "upsert";
  const count = await tryWrite(tx, signal, write, { mayWait, onError });
  if (mustPause) return 0;
  const isInVain = (count ?? 0) < chunk.rowCount / 2;
  if (isInVain || failed > 0) failures.set(batch.id, Math.max(0, failed + (isInVain ? 1 : -1)));
  return count ?? 0;
}

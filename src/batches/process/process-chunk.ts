/** Processes one chunk of rows in the transaction of its job. */
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "drizzle-orm";
import { type Context, changeExpression, publishLocally, type Tx } from "../../context.ts";
import { underSavepoint } from "../../platform/postgres/database.ts";
import type { Watch } from "../../platform/process/watch.ts";
import type { Delivery } from "../../platform/queue/queue.ts";
import { BATCH_CHANNEL } from "../batch-changes.ts";
import type { ChunkKey } from "../batch-jobs.ts";
import { RUNNABLE_STATES } from "../state.ts";
import { startBatch } from "../transitions.ts";
import { type ChunkInput, chunkInputOf } from "./chunk-input.ts";
import { processRows } from "./process-rows.ts";
import { readOpenRows } from "./read-open-rows.ts";
import { type LockedChunk, type Settled, settleChunk } from "./settle-chunk.ts";
import { BatchStopped, watchBatch } from "./watch-batch.ts";

/**
 * Processes the rows of a chunk that have no result yet. A failure before the commit leaves no trace, so a repeated
 * delivery starts from the committed results.
 * @param ctx outside the transaction, for changes that others must see at once
 * @param tx the transaction that also completes the job
 * @returns undefined if there was nothing to do or the batch was stopped
 */
export async function processChunk(
  ctx: Context,
  tx: Tx,
  key: ChunkKey,
  delivery: Delivery,
): Promise<Settled | undefined> {
  const startedAt = performance.now();
  const input = await markProcessing(ctx, key);
  if (!input) return undefined;
  const log = ctx.log.child({ ...key, delivery: delivery.attempt });
  log.info("chunk received");
  using watch = watchBatch(ctx, key.batchId);
  try {
    await delayRows(input.rowDelayMs, delivery.signal, watch);
    const settled = await underSavepoint(tx.db, () => processOpenRows(ctx, tx, input, key, delivery, watch));
    if (settled) log.info({ ...settled, ms: Math.round(performance.now() - startedAt) }, "chunk succeeded");
    return settled;
  } catch (error) {
    if (!(error instanceof BatchStopped)) throw error;
    log.info("chunk stopped with its batch");
    return undefined;
  }
}

/**
 * Waits for the simulated processing time, before anything is read or locked. All rows of the chunk wait at once.
 * @throws BatchStopped
 */
export async function delayRows(delayMs: number, signal: AbortSignal, watch: Watch): Promise<void> {
  if (delayMs === 0) return;
  try {
    await sleep(delayMs, undefined, { signal: AbortSignal.any([signal, watch.signal]) });
  } catch (error) {
    watch.signal.throwIfAborted();
    throw error;
  }
}

/** Undefined: another worker has processed the chunk. */
async function processOpenRows(
  ctx: Context,
  tx: Tx,
  input: ChunkInput,
  key: ChunkKey,
  delivery: Delivery,
  watch: Watch,
): Promise<(Settled & { rows: number; attempt: number }) | undefined> {
  const chunk = await lockChunk(tx, key);
  if (!chunk) return undefined;
  // The batch may have been stopped while this waited for the lock.
  watch.signal.throwIfAborted();
  const rows = await readOpenRows(tx, key, chunk.lastRow);
  const signal = AbortSignal.any([delivery.signal, watch.signal]);
  const outcomes = await processRows(ctx, tx, input, rows, { attempt: chunk.attempt, signal });
  delivery.signal.throwIfAborted();
  // A set target has written only in this transaction, which the exception rolls back. A row target has acted outside the
  // database, so the outcomes of the rows that it finished are stored even if the batch was stopped.
  const isPartial = watch.signal.aborted && "handle" in input.target;
  if (!isPartial) watch.signal.throwIfAborted();
  const settled = await settleChunk(tx, { ...key, ...chunk }, outcomes, isPartial);
  return { ...settled, rows: rows.length, attempt: chunk.attempt };
}

/** Commits at once, so that status requests show which rows are being processed. Null: there is nothing to do. */
async function markProcessing(ctx: Context, { batchId, firstRow }: ChunkKey): Promise<ChunkInput | null> {
  const { rows } = await ctx.db.execute<Parameters<typeof chunkInputOf>[0] & Record<string, unknown>>(sql`
    WITH started AS (${startBatch(batchId)})
    UPDATE rowmill.chunks SET state = 'processing', updated_at = statement_timestamp()
    FROM rowmill.batches
    WHERE chunks.batch_id = ${batchId} AND first_row = ${firstRow} AND chunks.state <> 'done'
      AND batches.id = chunks.batch_id AND batches.state = ANY(${sql.param(RUNNABLE_STATES)}::rowmill.batch_state[])
    RETURNING batches.id, user_id AS "userId", target, mode, header, mapping, row_delay_ms AS "rowDelayMs",
      is_dry_run AS "isDryRun", ${changeExpression(ctx, BATCH_CHANNEL, sql`batches.id::text`)} AS published`);
  const [found] = rows;
  if (!found) return null;
  publishLocally(ctx, BATCH_CHANNEL, [batchId]);
  return chunkInputOf(found);
}

/** Locks the chunk, so that only one worker decides the outcomes of its rows. Null: another worker has decided them. */
async function lockChunk(tx: Tx, { batchId, firstRow }: ChunkKey) {
  const { rows } = await tx.db.execute<Omit<LockedChunk, keyof ChunkKey> & { lastRow: number }>(sql`
    SELECT last_row AS "lastRow", row_count AS "rowCount", attempt, first_attempt AS "firstAttempt", updated_at AS "takenAt"
    FROM rowmill.chunks
    WHERE batch_id = ${batchId} AND first_row = ${firstRow} AND state <> 'done'
    FOR UPDATE`);
  return rows[0] ?? null;
}

/** Processes one chunk of rows in the transaction of its job. */
import { sql } from "drizzle-orm";
import { type Context, changeExpression, publishLocally, type Tx } from "../../context.ts";
import { MustPause } from "../../errors.ts";
import { underSavepoint } from "../../platform/postgres/database.ts";
import type { Delivery } from "../../platform/queue/delivery.ts";
import { Later } from "../../platform/queue/later.ts";
import { BATCH_CHANNEL } from "../batch-changes.ts";
import type { ChunkKey, ChunkWork } from "../batch-jobs.ts";
import { lockChunk } from "../settle/lock-chunk.ts";
import { pauseByRowmill } from "../settle/pause-by-rowmill.ts";
import type { Settled } from "../settle/settle-chunk.ts";
import { BatchStopped, type Signals, watchBatch } from "../settle/watch-batch.ts";
import { RUNNABLE_STATES } from "../state.ts";
import { startBatch } from "../transitions.ts";
import { type Held, type Processed, processOpenRows } from "./process-open-rows.ts";
import { type ChunkInput, chunkInputOf, isGroupInput } from "./read/chunk-input.ts";
import { sendOpenRows } from "./send/send-open-rows.ts";
import { repeatOnLockTrouble, reserveRecords, shareRecords } from "./write/lock-trouble.ts";
import { takePlainSlot } from "./write/plain-slots.ts";

/**
 * Processes the rows of a chunk that have no result yet. A failure before the commit leaves no trace, so a repeated
 * delivery starts from the committed results.
 * @param ctx outside the transaction, for changes that others must see at once
 * @param tx the transaction that also completes the job
 * @returns a `Later` if the rest of the chunk is processed later; undefined if there was nothing to do or the batch was
 * stopped
 */
export async function processChunk(
  ctx: Context,
  tx: Tx,
  work: ChunkWork,
  delivery: Delivery,
): Promise<Settled | Later | undefined> {
  const startedAt = performance.now();
  const { batchId, firstRow } = work;
  const input = await repeatOnLockTrouble(ctx, delivery.signal, () => markProcessing(ctx, work));
  if (!input) return undefined;
  const log = ctx.log.child({ batchId, firstRow, delivery: delivery.attempt });
  if (isFirst(work) && !work.isDelayed) log.info("chunk received");
  // All rows of the chunk wait at once, in the queue.
  if (input.rowDelayMs > 0 && !work.isDelayed)
    return new Later(input.rowDelayMs / 1000, { ...work, isDelayed: true });
  using watch = watchBatch(ctx, batchId);
  try {
    const signal = AbortSignal.any([delivery.signal, watch.signal]);
    const settled = await repeatOnLockTrouble(ctx, signal, async (failures) => {
      // A repeated attempt has the records for itself, and a later turn writes no plain rows.
      const mayWrite = failures === 0 && work.after === undefined;
      using slot = mayWrite ? await takePlainSlot(ctx, input, signal) : new DisposableStack();
      return await underSavepoint(tx, async () => {
        const share = failures > 0 ? { isShared: true } : await shareRecords(tx, input);
        if (failures > 0) await reserveRecords(ctx, tx, input, signal);
        const signals = { delivery: delivery.signal, batch: watch.signal };
        return processLocked(ctx, tx, input, work, { share, slot }, signals);
      });
    });
    if (!settled) return undefined;
    const { rest, ...counts } = settled;
    const ms = Math.round(performance.now() - startedAt);
    const message = rest ? "chunk continues later" : "chunk succeeded";
    tx.afterCommit.push(() => log.info({ ...counts, ms }, message));
    return rest ?? counts;
  } catch (error) {
    if (error instanceof MustPause) await pauseByRowmill({ ...ctx, log }, batchId, error.message);
    else if (!(error instanceof BatchStopped)) throw error;
    log.info("chunk stopped with its batch");
    return undefined;
  }
}

/** Whether the delivery begins an attempt, and does not continue it. */
const isFirst = ({ after, waited }: ChunkWork) => after === undefined && waited === undefined;

/** Undefined: another worker has processed the chunk. */
async function processLocked(
  ctx: Context,
  tx: Tx,
  input: ChunkInput,
  work: ChunkWork,
  held: Held,
  signals: Signals,
): Promise<Processed | undefined> {
  const chunk = await lockChunk(tx, work, work.isDelayed && isFirst(work) ? input.rowDelayMs : 0);
  if (!chunk) return undefined;
  // The batch may have been stopped while this waited for the lock.
  signals.batch.throwIfAborted();
  if (isGroupInput(input)) return sendOpenRows(ctx, tx, input, work, chunk, signals);
  return processOpenRows(ctx, tx, input, work, chunk, held, signals);
}

/** Commits at once, so that status requests show which rows are being processed. Null: there is nothing to do. */
async function markProcessing(ctx: Context, { batchId, firstRow }: ChunkKey) {
  type Found = Parameters<typeof chunkInputOf>[1] & { rowCount: number };
  const { rows } = await ctx.db.execute<Found & Record<string, unknown>>(sql`
    WITH started AS (${startBatch(ctx, batchId)})
    UPDATE rowmill.chunks SET state = 'processing', updated_at = statement_timestamp()
    FROM rowmill.batches
    WHERE chunks.batch_id = ${batchId} AND first_row = ${firstRow} AND chunks.state <> 'done'
      AND batches.id = chunks.batch_id AND batches.state = ANY(${sql.param(RUNNABLE_STATES)}::rowmill.batch_state[])
    RETURNING batches.id, user_id AS "userId", target, target_version AS "targetVersion", mode, header, mapping, params, locale,
      filename, batches.created_at AS "createdAt", row_delay_ms AS "rowDelayMs",
      is_dry_run AS "isDryRun", row_count AS "rowCount"`);
  const [found] = rows;
  if (!found) return null;
  // Not in RETURNING: a distributed UPDATE allows no such function, and its node has no listeners.
  await ctx.db.execute(sql`SELECT ${changeExpression(BATCH_CHANNEL, sql`${batchId}::text`)}`);
  publishLocally(ctx, BATCH_CHANNEL, [batchId]);
  return { ...(await chunkInputOf(ctx, found)), rowCount: found.rowCount };
}

/** Processes one chunk of rows in the transaction of its job. */
import { sql } from "drizzle-orm";
import { type Context, changeExpression, publishLocally, type Tx } from "../../context.ts";
import { MustPause } from "../../errors.ts";
import type { Payload } from "../../jobs.ts";
import { underSavepoint } from "../../platform/postgres/database.ts";
import type { Watch } from "../../platform/process/watch.ts";
import type { Delivery } from "../../platform/queue/delivery.ts";
import { Later } from "../../platform/queue/later.ts";
import { isRowTarget } from "../../targets/target.ts";
import { BATCH_CHANNEL } from "../batch-changes.ts";
import type { ChunkKey } from "../batch-jobs.ts";
import { RUNNABLE_STATES } from "../state.ts";
import { startBatch } from "../transitions.ts";
import { type ChunkInput, chunkInputOf } from "./chunk-input.ts";
import { lockChunk } from "./lock-chunk.ts";
import { type RecordsShare, repeatOnLockTrouble, reserveRecords, shareRecords } from "./lock-trouble.ts";
import { pauseByRowmill } from "./pause-by-rowmill.ts";
import { type OpenRow, processRows } from "./process-rows.ts";
import { hasMemory, openSlices } from "./read-open-rows.ts";
import { isDue, letAllWait, storeWaits, waitsIn } from "./row-waits.ts";
import { isGroupInput, sendOpenRows } from "./send-open-rows.ts";
import { type Settled, settleChunk } from "./settle-chunk.ts";
import type { RowOutcome } from "./store-results.ts";
import { StoredOutcomes } from "./stored-outcomes.ts";
import { BatchStopped, watchBatch } from "./watch-batch.ts";
import { writePlainRows } from "./write-plain-rows.ts";

type ChunkWork = Payload<"processChunk">;

/** A delivery starts no further slice after this time, so that other users get a turn. */
const TURN_MS = 1000;

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
    const settled = await repeatOnLockTrouble(ctx, signal, (failures) =>
      underSavepoint(tx.db, async () => {
        const share = failures > 0 ? { isShared: true } : await shareRecords(tx, input);
        if (failures > 0) await reserveRecords(ctx, tx, input, signal);
        return processOpenRows(ctx, tx, input, work, { delivery, watch, share });
      }),
    );
    if (!settled) return undefined;
    const { rest, ...counts } = settled;
    const ms = Math.round(performance.now() - startedAt);
    log.info({ ...counts, ms }, rest ? "chunk continues later" : "chunk succeeded");
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
async function processOpenRows(
  ctx: Context,
  tx: Tx,
  input: ChunkInput,
  work: ChunkWork,
  { delivery, watch, share }: { delivery: Delivery; watch: Watch; share: RecordsShare },
): Promise<(Settled & { rows: number; plain?: number; attempt: number; rest: Later | null }) | undefined> {
  const { batchId, firstRow } = work;
  const chunk = await lockChunk(tx, work, work.isDelayed && isFirst(work) ? input.rowDelayMs : 0);
  if (!chunk) return undefined;
  // The batch may have been stopped while this waited for the lock.
  watch.signal.throwIfAborted();
  if (isGroupInput(input))
    return sendOpenRows(ctx, tx, input, work, chunk, { delivery: delivery.signal, batch: watch.signal });
  const outcomes = new StoredOutcomes(tx, chunk, work);
  const signal = AbortSignal.any([delivery.signal, watch.signal]);
  const keepsOutcomes = isRowTarget(input.target);
  // The calls of a row target must not be repeated, and hold no locks.
  const storing = <T>(work: () => Promise<T>) =>
    keepsOutcomes ? repeatOnLockTrouble(ctx, delivery.signal, () => underSavepoint(tx.db, work)) : work();
  const turn = { attempt: chunk.attempt, signal, until: performance.now() + TURN_MS };
  let after = work.after ?? firstRow - 1;
  // A delivery that continues an earlier one finds only rows that are not plain.
  const plain =
    work.after === undefined ? await writePlainRows(ctx, tx, input, chunk, share, signal) : undefined;
  let rows = plain?.count ?? 0;
  if (rows > 0) signal.throwIfAborted();
  outcomes.addCreated(rows);
  if (rows === chunk.rowCount) after = chunk.lastRow;
  // To wait for memory would block other chunks: the transaction holds locks on the records that it has written.
  const isLate = rows > 0 && (performance.now() > turn.until || !hasMemory(chunk.bytes ?? 0));
  let areAllWaiting = false;
  const open = { ...chunk, firstRow: after + 1, ...(keepsOutcomes ? { where: isDue } : {}) };
  for await (const slice of isLate || after >= chunk.lastRow ? [] : openSlices(tx, open, "stop")) {
    const processed = await processRows(ctx, tx, input, plain?.withIds(slice.rows) ?? slice.rows, turn);
    delivery.signal.throwIfAborted();
    // A set target has written only in this transaction, which the exception rolls back. A row target has acted outside
    // the database, so the outcomes of the rows that it finished are stored even if the batch was stopped.
    if (!keepsOutcomes) watch.signal.throwIfAborted();
    await storing(async () => {
      await outcomes.store(processed);
      if (keepsOutcomes) await storeWaits(tx, batchId, processed);
    });
    rows += processed.length;
    const [unstarted] = unstartedOf(slice.rows, processed);
    after = unstarted === undefined ? slice.lastRow : unstarted - 1;
    const reason = reasonForAll(processed);
    if (reason) {
      await storing(() => letAllWait(tx, { ...chunk, firstRow: after + 1 }, reason));
      after = chunk.lastRow;
      areAllWaiting = true;
    }
    // The outcomes of a row target are committed before anything else can fail.
    if (keepsOutcomes || watch.signal.aborted || performance.now() > turn.until) break;
  }
  const isEnd = after >= chunk.lastRow || (rows === (plain?.count ?? 0) && !isLate);
  const isPartial = keepsOutcomes && watch.signal.aborted;
  const waits = keepsOutcomes && isEnd ? { ...(await waitsIn(tx, chunk)), areAll: areAllWaiting } : null;
  const isNextEnqueued = work.waited?.isNextEnqueued ?? false;
  const settling = { isPartial, isUnfinished: !isEnd, keepsOutcomes, waits, isNextEnqueued };
  const settled = await storing(() => settleChunk(tx, chunk, outcomes, settling));
  const { counts, next } = settled;
  const retryAfterSeconds = outcomes.retryAfterSeconds;
  const continued = { ...work, after, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) };
  const rest =
    next?.kind === "turn" ? new Later(0, continued, { isLast: true }) : next && waitingJob(work, next);
  return { ...counts, rows, plain: plain?.count ?? 0, attempt: chunk.attempt, rest };
}

/** The same attempt from its first open row. It takes no turn of its user meanwhile. */
function waitingJob(
  { batchId, firstRow, isAlone = false }: ChunkWork,
  { seconds, isNextEnqueued }: { seconds: number; isNextEnqueued: boolean },
): Later {
  const work = { batchId, firstRow, isDelayed: true, isAlone, waited: { isNextEnqueued } };
  return new Later(seconds, work, { isCounted: false });
}

/** Why no row of the chunk can be handled now. */
function reasonForAll(processed: readonly RowOutcome[]) {
  for (const { outcome } of processed) if (outcome.kind === "wait" && outcome.isForAll) return outcome;
  return undefined;
}

function unstartedOf(rows: readonly OpenRow[], processed: readonly RowOutcome[]): number[] {
  const done = new Set(processed.map(({ row }) => row));
  return rows.flatMap(({ row }) => (done.has(row) ? [] : [row]));
}

/** Commits at once, so that status requests show which rows are being processed. Null: there is nothing to do. */
async function markProcessing(ctx: Context, { batchId, firstRow }: ChunkKey): Promise<ChunkInput | null> {
  const { rows } = await ctx.db.execute<Parameters<typeof chunkInputOf>[1] & Record<string, unknown>>(sql`
    WITH started AS (${startBatch(ctx, batchId)})
    UPDATE rowmill.chunks SET state = 'processing', updated_at = statement_timestamp()
    FROM rowmill.batches
    WHERE chunks.batch_id = ${batchId} AND first_row = ${firstRow} AND chunks.state <> 'done'
      AND batches.id = chunks.batch_id AND batches.state = ANY(${sql.param(RUNNABLE_STATES)}::rowmill.batch_state[])
    RETURNING batches.id, user_id AS "userId", target, target_version AS "targetVersion", mode, header, mapping, params, locale,
      filename, batches.created_at AS "createdAt", row_delay_ms AS "rowDelayMs",
      is_dry_run AS "isDryRun"`);
  const [found] = rows;
  if (!found) return null;
  // Not in RETURNING: a distributed UPDATE allows no such function, and its node has no listeners.
  await ctx.db.execute(sql`SELECT ${changeExpression(BATCH_CHANNEL, sql`${batchId}::text`)}`);
  publishLocally(ctx, BATCH_CHANNEL, [batchId]);
  return chunkInputOf(ctx, found);
}

/** Processes the open rows of a chunk for one turn: first in the database, then slice by slice in this process. */
import type { Context, Tx } from "../../context.ts";
import { underSavepoint } from "../../platform/postgres/database.ts";
import { Later } from "../../platform/queue/later.ts";
import { isRowTarget } from "../../targets/target.ts";
import type { ChunkWork } from "../batch-jobs.ts";
import type { OpenChunk } from "../settle/lock-chunk.ts";
import { type Settled, settleChunk } from "../settle/settle-chunk.ts";
import type { RowOutcome } from "../settle/store-results.ts";
import { StoredOutcomes } from "../settle/stored-outcomes.ts";
import type { Signals } from "../settle/watch-batch.ts";
import { processRows } from "./process-rows.ts";
import type { ChunkInput } from "./read/chunk-input.ts";
import { hasMemory, type OpenRow, openSlices } from "./read/read-open-rows.ts";
import type { RowsAttempt } from "./send/handle-rows.ts";
import { isDue, letAllWait, storeWaits, waitsIn } from "./send/row-waits.ts";
import { type RecordsShare, repeatOnLockTrouble } from "./write/lock-trouble.ts";
import { NO_PLAIN_ROWS, type PlainRows, writePlainRows } from "./write/write-plain-rows.ts";

/** A turn starts no further slice after this time, so that other users get one. */
const TURN_MS = 1000;

/** The result of a turn. */
export interface Processed extends Settled {
  readonly rows: number;
  /** The rows that the database has written without reading them. */
  readonly plain?: number;
  readonly attempt: number;
  /** How the attempt continues; null: it has ended. */
  readonly rest: Later | null;
}

interface Turn extends RowsAttempt {
  readonly ctx: Context;
  readonly tx: Tx;
  readonly input: ChunkInput;
  readonly chunk: OpenChunk;
  readonly outcomes: StoredOutcomes;
  readonly signals: Signals;
  readonly until: number;
  /** Whether outcomes are stored even if the batch was stopped: a row target has acted outside of the database. */
  readonly keepsOutcomes: boolean;
}

/** A transaction takes these before it locks the chunk. */
export interface Held {
  readonly share: RecordsShare;
  /** Of `takePlainSlot`. */
  readonly slot: DisposableStack;
}

/**
 * @param ctx outside the transaction
 * @param tx holds the lock on the chunk
 */
export async function processOpenRows(
  ctx: Context,
  tx: Tx,
  input: ChunkInput,
  work: ChunkWork,
  chunk: OpenChunk,
  { share, slot }: Held,
  signals: Signals,
): Promise<Processed> {
  const outcomes = new StoredOutcomes(tx, chunk, work);
  const { attempt } = chunk;
  const signal = AbortSignal.any([signals.delivery, signals.batch]);
  const until = performance.now() + TURN_MS;
  const keepsOutcomes = isRowTarget(input.target);
  const turn = { ctx, tx, input, chunk, outcomes, signals, attempt, signal, until, keepsOutcomes };
  // A delivery that continues an earlier one finds only rows that are not plain.
  const plain =
    work.after === undefined ? await writePlainRows(ctx, tx, input, chunk, share, signal) : NO_PLAIN_ROWS;
  // The next chunk can be written while this one is settled.
  slot.dispose();
  if (plain.count > 0) signal.throwIfAborted();
  outcomes.addCreated(plain.count);
  const start = plain.count === chunk.rowCount ? chunk.lastRow : (work.after ?? chunk.firstRow - 1);
  // To wait for memory would block other chunks: the transaction holds locks on the records that it has written.
  const isLate = plain.count > 0 && (performance.now() > until || !hasMemory(chunk.bytes ?? 0));
  const { rows, after, areAllWaiting } =
    isLate || start >= chunk.lastRow
      ? { rows: 0, after: start, areAllWaiting: false }
      : await processSlices(turn, plain, start);
  const isEnd = after >= chunk.lastRow || (rows === 0 && !isLate);
  const { counts, next } = await settle(turn, work, { isEnd, areAllWaiting });
  const { retryAfterSeconds } = outcomes;
  const continued = { ...work, after, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) };
  const rest =
    next?.kind === "turn" ? new Later(0, continued, { isLast: true }) : next && waitingJob(work, next);
  return { ...counts, rows: plain.count + rows, plain: plain.count, attempt, rest };
}

interface Reached {
  /** The number of rows that were processed. */
  readonly rows: number;
  /** The last row that this attempt at the chunk has processed. */
  readonly after: number;
  readonly areAllWaiting: boolean;
}

/** @param start the last row before the slices */
async function processSlices(turn: Turn, plain: PlainRows, start: number): Promise<Reached> {
  const { ctx, tx, input, chunk, outcomes, signals, keepsOutcomes } = turn;
  let rows = 0;
  let after = start;
  const open = { ...chunk, firstRow: after + 1, ...(keepsOutcomes ? { where: isDue(chunk.batchId) } : {}) };
  for await (const slice of openSlices(tx, open, "stop")) {
    const processed = await processRows(ctx, tx, input, plain.withIds(slice.rows), turn);
    signals.delivery.throwIfAborted();
    // A set target has written only in this transaction, which the exception rolls back.
    if (!keepsOutcomes) signals.batch.throwIfAborted();
    await storing(turn, async () => {
      if (keepsOutcomes) await storeWaits(tx, chunk.batchId, processed);
      // The last statement: what it counts would be counted again if another one failed.
      await outcomes.store(processed);
    });
    rows += processed.length;
    const [unstarted] = unstartedOf(slice.rows, processed);
    after = unstarted === undefined ? slice.lastRow : unstarted - 1;
    const reason = reasonForAll(processed);
    if (reason) {
      await storing(turn, () => letAllWait(tx, { ...chunk, firstRow: after + 1 }, reason));
      return { rows, after: chunk.lastRow, areAllWaiting: true };
    }
    // The outcomes of a row target are committed before anything else can fail.
    if (keepsOutcomes || signals.batch.aborted || performance.now() > turn.until) break;
  }
  return { rows, after, areAllWaiting: false };
}

async function settle(
  turn: Turn,
  work: ChunkWork,
  { isEnd, areAllWaiting }: { isEnd: boolean; areAllWaiting: boolean },
): ReturnType<typeof settleChunk> {
  const { tx, chunk, outcomes, signals, keepsOutcomes } = turn;
  const isPartial = keepsOutcomes && signals.batch.aborted;
  const waits = keepsOutcomes && isEnd ? { ...(await waitsIn(tx, chunk)), areAll: areAllWaiting } : null;
  const isNextEnqueued = work.waited?.isNextEnqueued ?? false;
  const settling = { isPartial, isUnfinished: !isEnd, keepsOutcomes, waits, isNextEnqueued };
  return storing(turn, () => settleChunk(tx, chunk, outcomes, settling));
}

/** The calls of a row target must not be repeated, and hold no locks. */
function storing<T>({ ctx, tx, signals, keepsOutcomes }: Turn, store: () => Promise<T>): Promise<T> {
  if (!keepsOutcomes) return store();
  return repeatOnLockTrouble(ctx, signals.delivery, () => underSavepoint(tx, store));
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

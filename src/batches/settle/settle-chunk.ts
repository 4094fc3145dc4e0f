/** Stores the outcomes of a chunk and moves the chunk to its next state. The last chunk ends the batch. */
import { type SQL, sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import { jobs } from "../../jobs.ts";
import { backoffSeconds } from "../../platform/queue/backoff.ts";
import type { BatchState } from "../../schema/batches.ts";
import { batchChanged } from "../batch-changes.ts";
import { type ChunkKey, chunkJob, type QueuedBatch } from "../batch-jobs.ts";
import { storeCauses } from "../chunk-causes.ts";
import { enqueueAfterChunk, enqueueNextChunk } from "../enqueue/pace.ts";
import { ACCEPT_LATE, transitions } from "../state.ts";
import { displaceRows } from "./displace-rows.ts";
import { endAtErrorLimit, finishBatch } from "./finish-batch.ts";
import { pauseByRowmill } from "./pause-by-rowmill.ts";
import type { LockedChunk, StoredOutcomes } from "./stored-outcomes.ts";
import { BatchStopped } from "./watch-batch.ts";

/** Numbers of rows. */
export interface Settled {
  readonly succeeded: number;
  readonly failed: number;
  readonly retried: number;
}

/** Whether the service of a group target works. `down` and `busy`: the rows are sent again. `stop`: all rows are refused. */
export type ServiceState =
  | { readonly kind: "up" }
  | { readonly kind: "busy" | "down" | "stop"; readonly reason: string };

/** A batch is paused after this many requests in a row without a usable answer. */
const MAX_FAILED_REQUESTS = 5;
const MAX_RETRY_SECONDS = 3600;

export interface Settling {
  /** The batch was stopped while a row target was running: only the rows with an outcome have a result. */
  readonly isPartial?: boolean;
  /** The attempt continues with the rows that are left. */
  readonly isUnfinished?: boolean;
  /** Outcomes are stored even if the batch was stopped, because the calls of a row target cannot be rolled back. */
  readonly keepsOutcomes?: boolean;
  /** The rows that wait at the end of a turn of a row target. `areAll`: the service can take no row. */
  readonly waits?: { readonly rows: number; readonly seconds: number; readonly areAll: boolean } | null;
  /** Whether the service of a group target has answered; null: no request was sent. */
  readonly service?: ServiceState | null;
  /** Seconds until the first retry of an attempt that has failed for now, instead of the usual backoff. */
  readonly firstRetrySeconds?: number | undefined;
  /** An earlier turn of this attempt has enqueued the next chunk of a paced batch. */
  readonly isNextEnqueued?: boolean;
}

/** How the attempt continues: with the next rows, or after a wait. null: it has ended. */
type Next =
  | { readonly kind: "turn" }
  | { readonly kind: "wait"; readonly seconds: number; readonly isNextEnqueued: boolean };

/**
 * Requires the lock on the chunk.
 * @throws BatchStopped if the batch was paused or ended; the caller rolls back the records
 */
export async function settleChunk(
  tx: Tx,
  chunk: LockedChunk,
  outcomes: StoredOutcomes,
  settling: Settling = {},
): Promise<{ counts: Settled; next: Next | null }> {
  const { counts } = outcomes;
  const settled = await storeChunk(tx, chunk, outcomes, settling);
  tx.afterCommit.push(() => tx.activity.emit("rowsProcessed", counts));
  return { counts, next: await continueBatch(tx, settled) };
}

/** When the rows of a chunk that have no result are processed again. */
interface Pause {
  readonly seconds: number;
  /** Whether they wait for a service, so that the same attempt continues. */
  readonly isWait: boolean;
}

function pauseAfter({ attempts, retryAfterSeconds }: StoredOutcomes, settling: Settling): Pause {
  const { waits } = settling;
  if (waits && waits.rows > 0 && retryAfterSeconds === undefined)
    return { seconds: waits.seconds, isWait: true };
  return { seconds: Math.max(backoffAfter(attempts, settling), retryAfterSeconds ?? 0), isWait: false };
}

function backoffAfter(failures: number, { firstRetrySeconds: firstSeconds }: Settling): number {
  if (firstSeconds === undefined) return backoffSeconds(failures);
  return backoffSeconds(failures, { firstSeconds, maxSeconds: MAX_RETRY_SECONDS });
}

/** A chunk in its new state. The lock on its batch is held. */
interface StoredChunk {
  readonly chunk: LockedChunk;
  readonly outcomes: StoredOutcomes;
  readonly settling: Settling;
  readonly pause: Pause;
  /** Whether every row has a result. */
  readonly isDone: boolean;
  /** The number of rows that have failed so far. */
  readonly failed: number;
  readonly batch: RunningBatch;
}

/** @throws BatchStopped */
async function storeChunk(
  tx: Tx,
  chunk: LockedChunk,
  outcomes: StoredOutcomes,
  settling: Settling,
): Promise<StoredChunk> {
  const { isPartial = false, isUnfinished = false, waits = null } = settling;
  const pause = pauseAfter(outcomes, settling);
  const hasAttemptEnded = !isPartial && !isUnfinished;
  const { isDone, failed, lastRow } = await updateChunk(tx, chunk, outcomes, {
    state: isUnfinished ? "processing" : "queued",
    waiting: waits?.rows ?? 0,
    inSeconds: hasAttemptEnded ? pause.seconds : null,
    isRetried: hasAttemptEnded && !pause.isWait,
  });
  // Before the batch is locked. Between two turns of an attempt, the rows of the chunk are read.
  if (isDone || !isUnfinished) await storeCauses(tx, { ...chunk, lastRow }, failed, outcomes.causes);
  const batch = await countDown(tx, chunk, isDone ? 1 : 0, settling);
  await displaceRows(tx, chunk.batchId, outcomes.displaced);
  // The end of the batch is published with its state.
  if (batch.chunksLeft > 0 || !batch.isRunning || isPartial) await batchChanged(tx, chunk.batchId);
  return { chunk, outcomes, settling, pause, isDone, failed, batch };
}

/** Enqueues what follows, or ends the batch. */
async function continueBatch(tx: Tx, stored: StoredChunk): Promise<Next | null> {
  const { pause, isDone, batch } = stored;
  const { isPartial = false, isUnfinished = false } = stored.settling;
  if (await pauseForService(tx, stored)) return null;
  if (isPartial || !batch.isRunning) return null;
  if (!isDone && !isUnfinished && !pause.isWait) await enqueueRetry(tx, stored);
  if (await endIfOver(tx, stored)) return null;
  if (isUnfinished) return isDone ? null : { kind: "turn" };
  const isNextEnqueued = await enqueueNextOfPaced(tx, stored);
  return isDone || !pause.isWait ? null : { kind: "wait", seconds: pause.seconds, isNextEnqueued };
}

/** Pauses a batch whose service does not work. @returns false if nothing would be left to send, or if the service may work */
async function pauseForService(tx: Tx, { chunk, settling, batch }: StoredChunk): Promise<boolean> {
  const { service = null, isPartial = false } = settling;
  const reason = batch.isRunning && service ? reasonToPause(service, batch) : null;
  if (reason === null || (batch.chunksLeft === 0 && !isPartial)) return false;
  await pauseByRowmill(tx, chunk.batchId, reason);
  return true;
}

async function enqueueRetry(tx: Tx, { chunk, pause, batch }: StoredChunk): Promise<void> {
  const { batchId, firstRow, attempt } = chunk;
  const job = chunkJob(batch, { batchId, firstRow }, attempt + 1, pause.seconds);
  await tx.queue.add(tx.db, jobs.processChunk, [job]);
}

async function endIfOver(tx: Tx, { chunk, outcomes, failed, batch }: StoredChunk): Promise<boolean> {
  if (await endAtErrorLimit(tx, chunk.batchId, batch)) return true;
  if (batch.chunksLeft > 0) return false;
  // Rows that were displaced may be rows of this chunk.
  const isOnly = chunk.rowCount === batch.totalRows && outcomes.displaced.length === 0;
  return finishBatch(tx, chunk.batchId, batch, isOnly ? failed : undefined);
}

/** @returns whether this attempt has enqueued the next chunk of a paced batch, now or in an earlier turn */
async function enqueueNextOfPaced(tx: Tx, stored: StoredChunk): Promise<boolean> {
  const { chunk, outcomes, settling, pause, isDone, batch } = stored;
  const { waits = null, service = null, isNextEnqueued = false } = settling;
  // While the service takes no row, the next chunk would wait as well, and all would continue at once.
  const isStuck = !isDone && pause.isWait && waits?.areAll === true;
  if (!batch.isPaced || chunk.attempt !== chunk.firstAttempt || isNextEnqueued || isStuck)
    return isNextEnqueued;
  if (service?.kind === "down" || service?.kind === "busy") {
    // Otherwise all chunks would be tried within a second while the service does not work.
    const seconds = Math.max(pause.seconds, backoffAfter(batch.failedRequests || 1, settling));
    await enqueueNextChunk(tx, chunk.batchId, batch, seconds);
  } else {
    const { succeeded, failed, retried } = outcomes.counts;
    await enqueueAfterChunk(tx, chunk.batchId, batch, succeeded + failed + retried);
  }
  return true;
}

interface NextState {
  readonly state: "processing" | "queued";
  /** The number of rows that wait. */
  readonly waiting: number;
  /** When the open rows are processed again; null: the attempt continues. */
  readonly inSeconds: number | null;
  /** Whether that is another attempt. */
  readonly isRetried: boolean;
}

/**
 * @param next for a chunk with rows that have no result
 * @returns whether every row of the chunk has a result, how many of its rows have failed so far, and its last row
 */
async function updateChunk(
  tx: Tx,
  { batchId, firstRow }: ChunkKey,
  { counts: { succeeded, failed }, effects: { created, updated, unchanged } }: StoredOutcomes,
  { state, waiting, inSeconds, isRetried }: NextState,
): Promise<{ readonly isDone: boolean; readonly failed: number; readonly lastRow: number }> {
  const dueAt = new Date(tx.now().getTime() + (inSeconds ?? 0) * 1000).toISOString();
  const isDone = sql`(succeeded + failed + ${succeeded + failed}::int = row_count)`;
  const nextAttempt = sql`attempt = attempt + (${isRetried} AND NOT ${isDone})::int,
    due_at = CASE WHEN ${isDone} THEN due_at ELSE ${dueAt}::timestamptz END,`;
  const { rows } = await tx.db.execute<{ isDone: boolean; failed: number; lastRow: number }>(sql`
    UPDATE rowmill.chunks SET succeeded = succeeded + ${succeeded}, failed = failed + ${failed}, created = created + ${created},
      updated = updated + ${updated}, unchanged = unchanged + ${unchanged}, waiting = ${waiting},
      ${inSeconds === null ? sql`` : nextAttempt}
      state = CASE WHEN ${isDone} THEN 'done'::rowmill.chunk_state ELSE ${state}::rowmill.chunk_state END,
      updated_at = statement_timestamp()
    WHERE batch_id = ${batchId} AND first_row = ${firstRow} AND state <> 'done'
    RETURNING state = 'done' AS "isDone", failed, last_row AS "lastRow"`);
  return rows[0] ?? { isDone: false, failed: 0, lastRow: 0 };
}

interface RunningBatch extends QueuedBatch {
  readonly chunksLeft: number;
  readonly maxErrors: string | null;
  /** Whether each chunk enqueues the next one. */
  readonly isPaced: boolean;
  readonly isDryRun: boolean;
  readonly failedRequests: number;
  /** False if the batch was stopped. */
  readonly isRunning: boolean;
}

/** The states in which outcomes of a row target are stored: its calls cannot be rolled back if the batch was stopped. */
const PARTIAL_STATES: readonly BatchState[] = [transitions.start.to, transitions.pause.to, ...ACCEPT_LATE];

/**
 * Decreases `chunks_left` under the row lock of the batch, which is held until the commit. If chunks end at the same
 * time, exactly one of them sees 0, and no chunk commits after the batch was stopped.
 * @throws BatchStopped
 */
async function countDown(
  tx: Tx,
  { batchId, takenAt }: LockedChunk,
  chunksDone: number,
  { keepsOutcomes = false, service = null }: Settling,
): Promise<RunningBatch> {
  const states = keepsOutcomes ? PARTIAL_STATES : transitions.complete.from;
  const { rows } = await tx.db.execute<{
    chunksLeft: number;
    userId: string;
    totalRows: number;
    maxErrors: string | null;
    isPaced: boolean;
    isDryRun: boolean;
    failedRequests: number;
    isRunning: boolean;
  }>(sql`
    UPDATE rowmill.batches SET chunks_left = chunks_left - ${chunksDone}, ${busySince(takenAt)}${failedRequestsAfter(service)}
    WHERE id = ${batchId} AND state = ANY(${sql.param([...states])}::rowmill.batch_state[])
    RETURNING chunks_left AS "chunksLeft", user_id AS "userId", total_rows AS "totalRows", max_errors AS "maxErrors",
      (rows_per_second IS NOT NULL OR target_traits ->> 'lanes' IS NOT NULL) AS "isPaced", is_dry_run AS "isDryRun",
      failed_requests AS "failedRequests", state = ANY(${sql.param([...transitions.complete.from])}::rowmill.batch_state[]) AS "isRunning"`);
  const [batch] = rows;
  if (!batch) throw new BatchStopped();
  return { ...batch, userId: Number(batch.userId) };
}

/** SQL that counts requests in a row without a usable answer. */
function failedRequestsAfter(service: ServiceState | null): SQL {
  if (service?.kind === "up") return sql`, failed_requests = 0`;
  return service?.kind === "down" ? sql`, failed_requests = failed_requests + 1` : sql``;
}

function reasonToPause(service: ServiceState, { failedRequests }: RunningBatch): string | null {
  if (service.kind === "stop") return service.reason;
  if (service.kind !== "down" || failedRequests < MAX_FAILED_REQUESTS) return null;
  return `${failedRequests} requests in a row got no usable answer. ${service.reason} Resume the batch when the endpoint works again.`;
}

/** Adds the time since the chunk was taken, or since the end of the last chunk if that is later. */
function busySince(takenAt: string | undefined): SQL {
  // Not clock_timestamp(): an UPDATE of a distributed table may not call volatile functions.
  const until = sql`busy_until = greatest(busy_until, statement_timestamp())`;
  if (takenAt === undefined) return until;
  const since = sql`greatest(busy_until, ${takenAt}::timestamptz)`;
  return sql`busy_ms = busy_ms + greatest(0, extract(epoch FROM statement_timestamp() - ${since}) * 1000)::bigint, ${until}`;
}

/** Stores the outcomes of a chunk and moves the chunk to its next state. The last chunk ends the batch. */
import { type SQL, sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import { jobs } from "../../jobs.ts";
import { backoffSeconds } from "../../platform/queue/backoff.ts";
import type { BatchState } from "../../schema/batches.ts";
import { batchChanged } from "../batch-changes.ts";
import { type ChunkKey, chunkJob, type QueuedBatch } from "../batch-jobs.ts";
import { storeCauses } from "../chunk-causes.ts";
import { ACCEPT_LATE, transitions } from "../state.ts";
import { endBatch } from "../transitions.ts";
import { forgetChecked } from "./chunk-counts.ts";
import { displaceRows } from "./displace-rows.ts";
import { errorLimit } from "./error-limit.ts";
import { enqueueAfterChunk, enqueueNextChunk } from "./pace.ts";
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
  const { isPartial = false, isUnfinished = false, keepsOutcomes = false, waits = null } = settling;
  const { service = null, firstRetrySeconds } = settling;
  const { counts, attempts, retryAfterSeconds } = outcomes;
  const waiting = waits && waits.rows > 0 && retryAfterSeconds === undefined ? waits : null;
  const backoff = (failures: number) =>
    firstRetrySeconds === undefined
      ? backoffSeconds(failures)
      : backoffSeconds(failures, { firstSeconds: firstRetrySeconds, maxSeconds: MAX_RETRY_SECONDS });
  const delaySeconds = waiting?.seconds ?? Math.max(backoff(attempts), retryAfterSeconds ?? 0);
  const hasAttemptEnded = !isPartial && !isUnfinished;
  const { isDone, failed, lastRow } = await updateChunk(tx, chunk, outcomes, {
    state: isUnfinished ? "processing" : "queued",
    waiting: waits?.rows ?? 0,
    inSeconds: hasAttemptEnded ? delaySeconds : null,
    isRetried: hasAttemptEnded && !waiting,
  });
  // Before the batch is locked. Between two turns of an attempt, the rows of the chunk are read.
  if (isDone || !isUnfinished) await storeCauses(tx, { ...chunk, lastRow }, failed, outcomes.causes);
  const batch = await countDown(tx, chunk, isDone ? 1 : 0, { keepsOutcomes, service });
  await displaceRows(tx, chunk.batchId, outcomes.displaced);
  const isLast = batch.chunksLeft === 0 && batch.isRunning && !isPartial;
  // The end of the batch is published with its state.
  if (!isLast) await batchChanged(tx, chunk.batchId);
  tx.afterCommit.push(() => tx.activity.emit("rowsProcessed", counts));
  const suspension = batch.isRunning && service ? reasonToSuspend(service, batch) : null;
  if (suspension !== null && (batch.chunksLeft > 0 || isPartial)) {
    await pauseByRowmill(tx, chunk.batchId, suspension);
    return { counts, next: null };
  }
  if (isPartial || !batch.isRunning) return { counts, next: null };
  if (!isDone && !isUnfinished && !waiting) {
    const key = { batchId: chunk.batchId, firstRow: chunk.firstRow };
    await tx.queue.add(tx.db, jobs.processChunk, [chunkJob(batch, key, chunk.attempt + 1, delaySeconds)]);
  }
  // Rows that were displaced may be rows of this chunk.
  const isOnly = chunk.rowCount === batch.totalRows && outcomes.displaced.length === 0;
  const hasEnded =
    (await endAtErrorLimit(tx, chunk.batchId, batch)) ||
    (isLast && (await finishBatch(tx, chunk.batchId, batch, isOnly ? failed : undefined)));
  if (hasEnded) return { counts, next: null };
  if (isUnfinished) return { counts, next: isDone ? null : { kind: "turn" } };
  // While the service takes no row, the next chunk of a paced batch would wait as well, and all would continue at once.
  const isStuck = !isDone && waiting?.areAll === true;
  let { isNextEnqueued = false } = settling;
  if (batch.isPaced && chunk.attempt === chunk.firstAttempt && !isNextEnqueued && !isStuck) {
    const rows = counts.succeeded + counts.failed + counts.retried;
    // Otherwise all chunks would be tried within a second while the service does not work.
    if (service?.kind === "down" || service?.kind === "busy")
      await enqueueNextChunk(
        tx,
        chunk.batchId,
        batch,
        Math.max(delaySeconds, backoff(batch.failedRequests || 1)),
      );
    else await enqueueAfterChunk(tx, chunk.batchId, batch, rows);
    isNextEnqueued = true;
  }
  const next = isDone || !waiting ? null : { kind: "wait" as const, seconds: delaySeconds, isNextEnqueued };
  return { counts, next };
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
  { keepsOutcomes, service }: { keepsOutcomes: boolean; service: ServiceState | null },
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

function reasonToSuspend(service: ServiceState, { failedRequests }: RunningBatch): string | null {
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

/** A separate statement: its snapshot includes the chunks that committed while this one waited for the lock. */
async function countFailedRows(tx: Tx, batchId: string): Promise<number> {
  const { rows } = await tx.db.execute<{ failed: number }>(
    sql`SELECT coalesce(sum(failed), 0)::int AS failed FROM rowmill.chunks WHERE batch_id = ${batchId}`,
  );
  return rows[0]?.failed ?? 0;
}

async function endAtErrorLimit(tx: Tx, batchId: string, batch: RunningBatch): Promise<boolean> {
  // A dry run checks all rows.
  if (batch.maxErrors === null || batch.isDryRun) return false;
  const failed = await countFailedRows(tx, batchId);
  if (failed < errorLimit(batch.maxErrors, batch.totalRows)) return false;
  const reason = `Stopped at ${failed} failed rows: max_errors is ${batch.maxErrors}.`;
  return endBatch(tx, batchId, "fail", reason);
}

/**
 * Ends a batch of which every row has a result.
 * @param knownFailed the number of its failed rows; absent: they are counted
 */
export async function finishBatch(
  tx: Tx,
  batchId: string,
  { isDryRun, totalRows }: { readonly isDryRun: boolean; readonly totalRows: number },
  knownFailed?: number,
): Promise<boolean> {
  const failed = knownFailed ?? (await countFailedRows(tx, batchId));
  if (isDryRun) {
    await forgetChecked(tx, batchId);
    return endBatch(
      tx,
      batchId,
      "validate",
      failed === 0 ? null : `${failed} of ${totalRows} rows would fail.`,
    );
  }
  return failed === 0
    ? endBatch(tx, batchId, "complete", null)
    : endBatch(tx, batchId, "completeWithErrors", `${failed} row${failed === 1 ? "" : "s"} failed.`);
}

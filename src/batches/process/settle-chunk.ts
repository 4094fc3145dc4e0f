/** Records the outcomes of a chunk's rows and moves the chunk, and with the last one the batch, to its next state. */
import { sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import { jobs } from "../../jobs.ts";
import { backoffSeconds } from "../../platform/queue/backoff.ts";
import type { BatchState } from "../../schema/batches.ts";
import { batchChanged } from "../batch-changes.ts";
import { type ChunkKey, chunkJob, type Lane } from "../batch-jobs.ts";
import { transitions } from "../state.ts";
import { endBatch } from "../transitions.ts";
import { errorLimit } from "./error-limit.ts";
import { goOnPaced } from "./pace.ts";
import {
  type EffectCounts,
  type RowOutcome,
  sortOutcomes,
  storeFailures,
  storeSuccesses,
} from "./store-results.ts";
import { BatchStopped } from "./watch-batch.ts";

export interface LockedChunk extends ChunkKey {
  readonly attempt: number;
  readonly firstAttempt: number;
  readonly rowCount: number;
}

export interface Settled {
  readonly succeeded: number;
  readonly failed: number;
  readonly retried: number;
}

/**
 * The caller holds the lock on the chunk.
 * @param isPartial the batch was stopped in the middle: rows that are not among `outcomes` stay as they are
 * @throws BatchStopped where the batch was paused or ended meanwhile; the caller undoes what was written
 */
export async function settleChunk(
  tx: Tx,
  chunk: LockedChunk,
  outcomes: readonly RowOutcome[],
  isPartial = false,
): Promise<Settled> {
  const attempts = chunk.attempt - chunk.firstAttempt + 1;
  const mayRetry = attempts <= tx.config.rowMaxRetries;
  const { succeeded, failures, retried } = sortOutcomes(outcomes, attempts, mayRetry);
  const effects = await storeSuccesses(tx, chunk, succeeded);
  await storeFailures(tx, chunk, failures);
  const settled = { succeeded: succeeded.length, failed: failures.length, retried: retried.length };
  const mustRetry = retried.length > 0 && !isPartial;
  const delaySeconds = Math.max(backoffSeconds(attempts), ...retried.map(({ afterSeconds }) => afterSeconds));
  const isDone = await updateChunk(tx, chunk, settled, effects, mustRetry ? delaySeconds : null);
  const batch = await countDown(tx, chunk.batchId, isDone ? 1 : 0, isPartial);
  await batchChanged(tx, chunk.batchId);
  if (isPartial) return settled;
  if (mustRetry) {
    const key = { batchId: chunk.batchId, firstRow: chunk.firstRow };
    await tx.queue.add(tx.db, jobs.processChunk, [chunkJob(batch, key, chunk.attempt + 1, delaySeconds)]);
  }
  const hasEnded =
    (await endAtErrorLimit(tx, chunk.batchId, batch)) ||
    (batch.chunksLeft === 0 && (await finishBatch(tx, chunk.batchId)));
  if (!hasEnded && batch.isPaced && chunk.attempt === chunk.firstAttempt) {
    await goOnPaced(tx, chunk.batchId, outcomes.length, batch);
  }
  return settled;
}

/** @returns whether every row of the chunk has its result */
async function updateChunk(
  tx: Tx,
  { batchId, firstRow }: ChunkKey,
  { succeeded, failed }: Settled,
  { created, updated, unchanged }: EffectCounts,
  retryInSeconds: number | null,
): Promise<boolean> {
  const again = sql`attempt = attempt + 1, due_at = statement_timestamp() + make_interval(secs => ${retryInSeconds}),`;
  const { rows } = await tx.db.execute<{ isDone: boolean }>(sql`
    UPDATE rowmill.chunks SET succeeded = succeeded + ${succeeded}, failed = failed + ${failed}, created = created + ${created},
      updated = updated + ${updated}, unchanged = unchanged + ${unchanged}, ${retryInSeconds === null ? sql`` : again}
      state = CASE WHEN succeeded + failed + ${succeeded + failed} = row_count THEN 'done' ELSE 'queued' END::rowmill.chunk_state,
      updated_at = statement_timestamp()
    WHERE batch_id = ${batchId} AND first_row = ${firstRow} AND state <> 'done'
    RETURNING state = 'done' AS "isDone"`);
  return rows[0]?.isDone ?? false;
}

interface RunningBatch extends Lane {
  readonly chunksLeft: number;
  readonly maxErrors: string | null;
  readonly isPaced: boolean;
}

/** What was done to the outside world is told even where the batch was stopped meanwhile. */
const PARTIAL_STATES: readonly BatchState[] = ["processing", "paused", "cancelled", "failed"];

/**
 * The count of chunks left is taken down under the batch's row lock, which is held until the commit: of chunks
 * that end at the same time exactly one sees 0, and none commits once the batch was stopped.
 */
async function countDown(
  tx: Tx,
  batchId: string,
  chunksDone: number,
  isPartial: boolean,
): Promise<RunningBatch> {
  const states = isPartial ? PARTIAL_STATES : transitions.complete.from;
  const { rows } = await tx.db.execute<{
    chunksLeft: number;
    userId: string;
    totalRows: number;
    maxErrors: string | null;
    isPaced: boolean;
  }>(sql`
    UPDATE rowmill.batches SET chunks_left = chunks_left - ${chunksDone}
    WHERE id = ${batchId} AND state = ANY(${sql.param([...states])}::rowmill.batch_state[])
    RETURNING chunks_left AS "chunksLeft", user_id AS "userId", total_rows AS "totalRows", max_errors AS "maxErrors",
      rows_per_second IS NOT NULL AS "isPaced"`);
  const [batch] = rows;
  if (!batch) throw new BatchStopped();
  return { ...batch, userId: Number(batch.userId) };
}

/** A statement of its own: its snapshot sees what the chunk before committed while this one waited for the lock. */
async function failedRows(tx: Tx, batchId: string): Promise<number> {
  const { rows } = await tx.db.execute<{ failed: number }>(
    sql`SELECT coalesce(sum(failed), 0)::int AS failed FROM rowmill.chunks WHERE batch_id = ${batchId}`,
  );
  return rows[0]?.failed ?? 0;
}

async function endAtErrorLimit(tx: Tx, batchId: string, batch: RunningBatch): Promise<boolean> {
  if (batch.maxErrors === null) return false;
  const failed = await failedRows(tx, batchId);
  if (failed < errorLimit(batch.maxErrors, batch.totalRows)) return false;
  const reason = `Stopped at ${failed} failed rows: max_errors is ${batch.maxErrors}.`;
  return endBatch(tx, batchId, "fail", reason);
}

/** The end of a batch whose every row has its result. */
export async function finishBatch(tx: Tx, batchId: string): Promise<boolean> {
  const failed = await failedRows(tx, batchId);
  return failed === 0
    ? endBatch(tx, batchId, "complete", null)
    : endBatch(tx, batchId, "completeWithErrors", `${failed} row${failed === 1 ? "" : "s"} failed.`);
}

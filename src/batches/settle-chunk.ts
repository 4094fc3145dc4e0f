/** Records the outcomes of a chunk's rows and moves the chunk, and with the last one the batch, to its next state. */
import { type SQL, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { jobs } from "../jobs.ts";
import type { RowError } from "../schema/batches.ts";
import { type ChunkKey, chunkJob, finishedJob } from "./batch-jobs.ts";
import { notifyBatch } from "./notify-batch.ts";
import { transitions } from "./state.ts";
import {
  type EffectCounts,
  type FailedRow,
  type RowOutcome,
  type SucceededRow,
  storeFailures,
  storeSuccesses,
} from "./store-results.ts";

export interface LockedChunk extends ChunkKey {
  readonly attempt: number;
}

export interface Settled {
  readonly succeeded: number;
  readonly failed: number;
  readonly retried: number;
}

/** The caller holds the lock on the chunk. */
export async function settleChunk(
  tx: Context,
  chunk: LockedChunk,
  outcomes: readonly RowOutcome[],
): Promise<Settled> {
  const mayRetry = chunk.attempt <= tx.config.rowMaxRetries;
  const succeeded: SucceededRow[] = [];
  const failures: FailedRow[] = [];
  let retried = 0;
  for (const { row, outcome } of outcomes) {
    if (outcome.kind === "success") succeeded.push({ row, ...outcome });
    else if (outcome.kind === "failed") failures.push({ row, errors: outcome.errors });
    else if (mayRetry) retried++;
    else failures.push({ row, errors: [gaveUp(outcome.reason, chunk.attempt)] });
  }
  const effects = await storeSuccesses(tx, chunk, succeeded);
  await storeFailures(tx, chunk, failures);
  const settled = { succeeded: succeeded.length, failed: failures.length, retried };
  const counted = addCounts(settled, effects);
  if (retried > 0) await retryLater(tx, chunk, counted);
  else await finishChunk(tx, chunk, counted);
  await notifyBatch(tx, chunk.batchId);
  return settled;
}

function addCounts({ succeeded, failed }: Settled, { created, updated, unchanged }: EffectCounts): SQL {
  return sql`succeeded = succeeded + ${succeeded}, failed = failed + ${failed}, created = created + ${created},
    updated = updated + ${updated}, unchanged = unchanged + ${unchanged}`;
}

function gaveUp(reason: RowError, attempts: number): RowError {
  return { ...reason, message: `Gave up after ${attempts} attempts: ${reason.message}` };
}

/** Rows that may succeed later wait for the chunk's next attempt; the others have their results already. */
async function retryLater(tx: Context, chunk: LockedChunk, counted: SQL): Promise<void> {
  const attempt = chunk.attempt + 1;
  const delaySeconds = backoffSeconds(chunk.attempt);
  await tx.db.execute(sql`
    UPDATE chunks SET state = 'queued', attempt = ${attempt}, ${counted},
      due_at = statement_timestamp() + make_interval(secs => ${delaySeconds}), updated_at = statement_timestamp()
    WHERE batch_id = ${chunk.batchId} AND first_row = ${chunk.firstRow} AND state <> 'done'`);
  const key = { batchId: chunk.batchId, firstRow: chunk.firstRow };
  await tx.queue.add(tx.db, jobs.processChunk, [chunkJob(key, attempt, delaySeconds)]);
}

/** 1, 2, 4, 8 ... seconds at the most a minute, half of it by chance, so that rivals don't meet again. */
function backoffSeconds(attempt: number): number {
  const ceiling = Math.min(60, 2 ** (attempt - 1));
  return ceiling / 2 + (Math.random() * ceiling) / 2;
}

/**
 * The count of chunks left is taken down under the batch's row lock, which is held until the commit: of chunks
 * that end at the same time exactly one sees 0.
 */
async function finishChunk(tx: Context, chunk: LockedChunk, counted: SQL): Promise<void> {
  const { batchId, firstRow } = chunk;
  await tx.db.execute(sql`
    UPDATE chunks SET state = 'done', ${counted}, updated_at = statement_timestamp()
    WHERE batch_id = ${batchId} AND first_row = ${firstRow} AND state <> 'done'`);
  const { rows } = await tx.db.execute<{ chunksLeft: number }>(sql`
    UPDATE batches SET chunks_left = chunks_left - 1 WHERE id = ${batchId} AND state = ${transitions.complete.from[0]}
    RETURNING chunks_left AS "chunksLeft"`);
  if (rows[0]?.chunksLeft === 0) await finishBatch(tx, batchId);
}

/** A statement of its own: its snapshot sees what the chunk before committed while this one waited for the lock. */
async function finishBatch(tx: Context, batchId: string): Promise<void> {
  await tx.db.execute(sql`
    UPDATE batches SET finished_at = statement_timestamp(),
      state = CASE WHEN EXISTS (SELECT FROM chunks WHERE batch_id = ${batchId} AND failed > 0)
        THEN ${transitions.completeWithErrors.to} ELSE ${transitions.complete.to} END::batch_state
    WHERE id = ${batchId} AND state = ${transitions.complete.from[0]} AND chunks_left = 0`);
  await tx.queue.add(tx.db, jobs.batchFinished, [finishedJob(batchId)]);
}

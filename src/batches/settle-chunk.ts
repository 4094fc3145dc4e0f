/** Records the outcomes of a chunk's rows and moves the chunk, and with the last one the batch, to its next state. */
import { sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { jobs } from "../jobs.ts";
import type { RowError } from "../schema.ts";
import { type ChunkKey, chunkJob, finishedJob } from "./batch-jobs.ts";
import type { Outcome } from "./outcomes.ts";
import { transitions } from "./state.ts";

export interface OpenRow {
  readonly row: number;
  readonly fields: string[];
  readonly problem: string | null;
}

export interface RowOutcome {
  readonly row: number;
  readonly outcome: Outcome;
}

export interface LockedChunk extends ChunkKey {
  readonly attempt: number;
}

interface FailedRow {
  readonly row: number;
  readonly errors: readonly RowError[];
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
  const succeeded: { row: number; recordId: number }[] = [];
  const failures: FailedRow[] = [];
  let retried = 0;
  for (const { row, outcome } of outcomes) {
    if (outcome.kind === "success") succeeded.push({ row, recordId: outcome.recordId });
    else if (outcome.kind === "failed") failures.push({ row, errors: outcome.errors });
    else if (mayRetry) retried++;
    else failures.push({ row, errors: [gaveUp(outcome.reason, chunk.attempt)] });
  }
  await storeSuccesses(tx, chunk, succeeded);
  await storeFailures(tx, chunk, failures);
  const settled = { succeeded: succeeded.length, failed: failures.length, retried };
  if (retried > 0) await retryLater(tx, chunk, settled);
  else await finishChunk(tx, chunk, settled);
  return settled;
}

function gaveUp(reason: RowError, attempts: number): RowError {
  return { ...reason, message: `Gave up after ${attempts} attempts: ${reason.message}` };
}

async function storeSuccesses(
  tx: Context,
  chunk: LockedChunk,
  rows: { row: number; recordId: number }[],
): Promise<void> {
  if (rows.length === 0) return;
  const numbers = sql.param(rows.map(({ row }) => row));
  const records = sql.param(rows.map(({ recordId }) => recordId));
  await tx.db.execute(sql`
    INSERT INTO row_results (batch_id, row_number, status, attempts, record_id, completed_at)
    SELECT ${chunk.batchId}, row_number, 'success', ${chunk.attempt}, record_id, statement_timestamp()
    FROM unnest(${numbers}::int[], ${records}::bigint[]) AS done (row_number, record_id)`);
}

async function storeFailures(tx: Context, chunk: LockedChunk, rows: readonly FailedRow[]): Promise<void> {
  if (rows.length === 0) return;
  const numbers = sql.param(rows.map(({ row }) => row));
  const codes = sql.param(rows.map(({ errors }) => errors[0]?.code ?? "unknown"));
  const messages = sql.param(rows.map(({ errors }) => errors.map(({ message }) => message).join("; ")));
  const details = sql.param(rows.map(({ errors }) => JSON.stringify(errors)));
  await tx.db.execute(sql`
    INSERT INTO row_results (batch_id, row_number, status, attempts, error_code, error_message, errors, completed_at)
    SELECT ${chunk.batchId}, row_number, 'failed', ${chunk.attempt}, code, message, details::json, statement_timestamp()
    FROM unnest(${numbers}::int[], ${codes}::text[], ${messages}::text[], ${details}::text[])
      AS failed (row_number, code, message, details)`);
}

/** Rows that may succeed later wait for the chunk's next attempt; the others have their results already. */
async function retryLater(tx: Context, chunk: LockedChunk, { succeeded, failed }: Settled): Promise<void> {
  const attempt = chunk.attempt + 1;
  const delaySeconds = backoffSeconds(chunk.attempt);
  await tx.db.execute(sql`
    UPDATE chunks SET state = 'queued', attempt = ${attempt}, succeeded = succeeded + ${succeeded}, failed = failed + ${failed},
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
async function finishChunk(tx: Context, chunk: LockedChunk, { succeeded, failed }: Settled): Promise<void> {
  const { batchId, firstRow } = chunk;
  await tx.db.execute(sql`
    UPDATE chunks SET state = 'done', succeeded = succeeded + ${succeeded}, failed = failed + ${failed},
      updated_at = statement_timestamp()
    WHERE batch_id = ${batchId} AND first_row = ${firstRow} AND state <> 'done'`);
  const { rows } = await tx.db.execute<{ chunksLeft: number }>(sql`
    UPDATE batches SET chunks_left = chunks_left - 1 WHERE id = ${batchId} AND state = ${transitions.complete.from}
    RETURNING chunks_left AS "chunksLeft"`);
  if (rows[0]?.chunksLeft === 0) await finishBatch(tx, batchId);
}

/** A statement of its own: its snapshot sees what the chunk before committed while this one waited for the lock. */
async function finishBatch(tx: Context, batchId: string): Promise<void> {
  await tx.db.execute(sql`
    UPDATE batches SET finished_at = statement_timestamp(),
      state = CASE WHEN EXISTS (SELECT FROM chunks WHERE batch_id = ${batchId} AND failed > 0)
        THEN ${transitions.completeWithErrors.to} ELSE ${transitions.complete.to} END::batch_state
    WHERE id = ${batchId} AND state = ${transitions.complete.from} AND chunks_left = 0`);
  await tx.queue.add(tx.db, jobs.batchFinished, [finishedJob(batchId)]);
}

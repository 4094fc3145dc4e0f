/** Deals with a chunk that no delivery has processed, because a row ends the process or breaks the transaction. */
import { sql } from "drizzle-orm";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { jobs } from "../../jobs.ts";
import { failed } from "../../targets/outcomes.ts";
import type { Outcome } from "../../targets/target.ts";
import { batchChanged } from "../batch-changes.ts";
import { type ChunkKey, type ChunkWork, chunkJob, type QueuedBatch } from "../batch-jobs.ts";
import { settleChunk } from "../settle/settle-chunk.ts";
import { StoredOutcomes } from "../settle/stored-outcomes.ts";
import { RUNNABLE_STATES } from "../state.ts";
import { startBatch } from "../transitions.ts";
import { isOpen } from "./read/read-open-rows.ts";

const OUTCOMES = {
  crashed: failed(
    "worker_crashed",
    "Processing this row ends the worker, for example because it takes too much memory. Correct the row, or see the log of the workers.",
  ),
  gaveUp: failed(
    "gave_up",
    "Every attempt to process this row failed, but not because of an invalid row. See the log of the workers.",
  ),
};

/**
 * Divides the open rows of a chunk into two chunks, which are processed alone and divided again if they fail. So only the
 * row at fault fails, after log2(n) deliveries, and the others succeed. A single row fails at once.
 */
export async function splitChunk(ctx: Context, key: ChunkKey, why: keyof typeof OUTCOMES): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const chunk = await lockRunningChunk(tx, key);
    if (!chunk) return;
    const open = await openRowsOf(tx, key, chunk.lastRow);
    const middle = open[open.length >> 1];
    if (open.length < 2 || middle === undefined)
      await failRows(tx, { ...key, ...chunk }, open, OUTCOMES[why]);
    else await divide(tx, key, chunk, middle);
  });
}

/** Whether the chunk cannot be divided. */
export async function isSingleRow({ db }: Context, { batchId, firstRow }: ChunkKey): Promise<boolean> {
  const { rows } = await db.execute<{ rowCount: number }>(
    sql`SELECT row_count AS "rowCount" FROM rowmill.chunks WHERE batch_id = ${batchId} AND first_row = ${firstRow}`,
  );
  return rows[0]?.rowCount === 1;
}

interface RunningChunk extends QueuedBatch {
  readonly lastRow: number;
  readonly rowCount: number;
  readonly attempt: number;
  readonly firstAttempt: number;
}

/** null: every row has a result, or the batch was stopped. */
async function lockRunningChunk(tx: Tx, { batchId, firstRow }: ChunkKey): Promise<RunningChunk | null> {
  const { rows } = await tx.db.execute<RunningChunk & Record<string, unknown>>(sql`
    SELECT last_row AS "lastRow", row_count AS "rowCount", attempt, first_attempt AS "firstAttempt",
      user_id::float AS "userId", total_rows AS "totalRows"
    FROM rowmill.chunks JOIN rowmill.batches ON batches.id = chunks.batch_id
    WHERE batch_id = ${batchId} AND first_row = ${firstRow} AND chunks.state <> 'done'
      AND batches.state = ANY(${sql.param(RUNNABLE_STATES)}::rowmill.batch_state[])
    FOR UPDATE OF chunks`);
  return rows[0] ?? null;
}

async function openRowsOf(tx: Tx, { batchId, firstRow }: ChunkKey, lastRow: number): Promise<number[]> {
  const { rows } = await tx.db.execute<{ row: number }>(
    sql`SELECT row_number AS row FROM rowmill.batch_rows WHERE ${isOpen({ batchId, firstRow, lastRow })} ORDER BY 1`,
  );
  return rows.map(({ row }) => row);
}

/** @param middle the first row of the second chunk */
async function divide(
  tx: Tx,
  { batchId, firstRow }: ChunkKey,
  chunk: RunningChunk,
  middle: number,
): Promise<void> {
  // The new attempts give the jobs new ids. They are first attempts, so that they use up no retries.
  const attempt = chunk.attempt + 1;
  await tx.db.execute(sql`
    UPDATE rowmill.chunks SET last_row = ${middle - 1}, attempt = ${attempt}, first_attempt = ${attempt}, ${counts(batchId, firstRow, middle - 1)}
    WHERE batch_id = ${batchId} AND first_row = ${firstRow}`);
  await tx.db.execute(sql`
    INSERT INTO rowmill.chunks (batch_id, first_row, last_row, row_count, attempt, first_attempt)
    VALUES (${batchId}, ${middle}, ${chunk.lastRow}, 1, ${attempt}, ${attempt})`);
  await tx.db.execute(sql`
    UPDATE rowmill.chunks SET ${counts(batchId, middle, chunk.lastRow)} WHERE batch_id = ${batchId} AND first_row = ${middle}`);
  await tx.db.execute(sql`UPDATE rowmill.batches SET chunks_left = chunks_left + 1 WHERE id = ${batchId}`);
  const parts = [firstRow, middle].map((first) => {
    const work: ChunkWork = { batchId, firstRow: first, isAlone: true, isDelayed: true };
    return chunkJob(chunk, work, attempt);
  });
  await tx.queue.add(tx.db, jobs.processChunk, parts);
  await batchChanged(tx, batchId);
}

/** SQL that counts the rows of a range and their results again. */
function counts(batchId: string, first: number, last: number) {
  const isInRange = sql`batch_id = ${batchId} AND row_number BETWEEN ${first} AND ${last}`;
  return sql`bytes = NULL, state = 'queued', due_at = statement_timestamp(), updated_at = statement_timestamp(),
    row_count = (SELECT count(*) FROM rowmill.batch_rows WHERE ${isInRange}),
    (succeeded, failed, created, updated, unchanged) = (
      SELECT count(*) FILTER (WHERE status = 'success'), count(*) FILTER (WHERE status = 'failed'),
        count(*) FILTER (WHERE effect = 'created'), count(*) FILTER (WHERE effect = 'updated'),
        count(*) FILTER (WHERE effect = 'unchanged')
      FROM rowmill.row_results WHERE ${isInRange}
    )`;
}

/** Fails the open rows of a chunk of which every delivery has failed, so that its batch can end. */
export async function giveUpChunk(tx: Tx, key: ChunkKey): Promise<boolean> {
  const chunk = await lockRunningChunk(tx, key);
  if (!chunk) return false;
  await failRows(tx, { ...key, ...chunk }, await openRowsOf(tx, key, chunk.lastRow), OUTCOMES.gaveUp);
  return true;
}

async function failRows(
  tx: Tx,
  chunk: RunningChunk & ChunkKey,
  rows: readonly number[],
  outcome: Outcome,
): Promise<void> {
  // Perhaps no delivery has started the batch.
  await tx.db.execute(startBatch(tx, chunk.batchId));
  const outcomes = new StoredOutcomes(tx, chunk);
  await outcomes.store(rows.map((row) => ({ row, outcome })));
  await settleChunk(tx, chunk, outcomes);
}

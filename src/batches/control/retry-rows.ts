import { type SQL, sql } from "drizzle-orm";
import { type Context, requireActor, type Tx } from "../../context.ts";
import { DomainError, invalidField } from "../../errors.ts";
import { requireUploadRight } from "../../targets/define/require-upload-right.ts";
import { enqueueWork } from "../enqueue/enqueue-work.ts";
import type { StoredBatch } from "../queries.ts";
import { recountChunks, resetChunks } from "../settle/chunk-counts.ts";
import { isWhole, leavesUnprocessed, requireEdge, transitions } from "../state.ts";
import { type Batch, transition } from "../transitions.ts";
import { commandBatch } from "./command-batch.ts";
import { lockOpenChunks, retryWhileLocked } from "./lock-open-chunks.ts";

export interface Retry {
  /** Retry only these failed rows. Absent: all failed rows. */
  readonly rows?: readonly number[];
  /** Retry the unprocessed rows as well. */
  readonly unprocessed?: boolean;
}

/**
 * Retries failed rows and moves their errors to their history.
 * @throws DomainError `not_found`, `invalid_input` if a row has not failed, or `conflict` if the state does not allow it
 * or there is nothing to retry
 */
export function retryRows(ctx: Context, userId: number, batchId: string, retry: Retry): Promise<StoredBatch> {
  return retryWhileLocked(() =>
    commandBatch(ctx, userId, batchId, async (tx, batch) => void (await retryRowsIn(tx, batch, retry))),
  );
}

/**
 * Like `retryRows`, for a batch that the caller has locked. Call it within `retryWhileLocked`.
 * @returns the number of rows that are processed again
 */
export async function retryRowsIn(tx: Tx, batch: Batch, retry: Retry): Promise<number> {
  requireEdge("retry", batch.state, "retried");
  await requireUploadRight(tx, batch);
  const unprocessed = leavesUnprocessed(batch.state) ? await countOpenRows(tx, batch) : 0;
  // An atomic batch leaves all rows unprocessed because one has failed, so retrying that one means retrying all.
  const isImplied = isWhole(batch) && batch.state === transitions.fail.to;
  if (unprocessed > 0 && !retry.unprocessed && !isImplied) {
    const message = `A retry would also process the unprocessed rows (${unprocessed}). To allow this, send \`unprocessed: true\`.`;
    throw new DomainError("conflict", message);
  }
  await lockOpenChunks(tx, batch.id);
  const failed = await moveFailuresToHistory(tx, batch, retry.rows);
  if (failed + unprocessed === 0) {
    const which = retry.rows === undefined ? "No row of this batch" : "None of these rows";
    throw new DomainError("conflict", `${which} has failed, so there is nothing to retry.`);
  }
  if (isWhole(batch)) await reopenWhole(tx, batch);
  else await reopenChunks(tx, batch.id);
  const retried = await transition(tx, batch.id, "retry", {
    run: batch.run + 1,
    reason: null,
    finishedAt: null,
    pacedUntil: tx.now(),
  });
  await enqueueWork(tx, retried);
  return isWhole(batch) ? batch.totalRows : failed + unprocessed;
}

/** Reopens all rows of a batch that one transaction processes, whichever rows the client named: no record exists yet. */
async function reopenWhole(tx: Tx, batch: Batch): Promise<void> {
  await moveFailuresToHistory(tx, batch, undefined);
  await resetChunks(tx, batch.id);
  await tx.db.execute(
    sql`UPDATE rowmill.chunks SET attempt = attempt + 1, first_attempt = attempt + 1 WHERE batch_id = ${batch.id}`,
  );
}

async function countOpenRows(tx: Tx, batch: Batch): Promise<number> {
  const { rows } = await tx.db.execute<{ open: number }>(sql`
    SELECT coalesce(sum(row_count - succeeded - failed), 0)::int AS open FROM rowmill.chunks WHERE batch_id = ${batch.id}`);
  return rows[0]?.open ?? 0;
}

/** @param rows undefined for all failed rows */
async function moveFailuresToHistory(
  tx: Tx,
  batch: Batch,
  rows: readonly number[] | undefined,
): Promise<number> {
  const isChosen: SQL =
    rows === undefined ? sql`true` : sql`row_number = ANY(${sql.param([...rows])}::int[])`;
  if (rows !== undefined) await requireFailed(tx, batch.id, rows);
  const { rowCount } = await tx.db.execute(sql`
    WITH removed AS (
      DELETE FROM rowmill.row_results WHERE batch_id = ${batch.id} AND status = 'failed' AND ${isChosen} RETURNING *
    )
    INSERT INTO rowmill.row_history (batch_id, row_number, event, at, user_id, attempts, error_code, error_message)
    SELECT ${batch.id}, row_number, 'failed', completed_at, ${requireActor(tx).id}, attempts, error_code, error_message FROM removed`);
  return rowCount ?? 0;
}

/** @throws DomainError `invalid_input` that names a row that has not failed */
async function requireFailed(tx: Tx, batchId: string, wanted: readonly number[]): Promise<void> {
  const { rows } = await tx.db.execute<{ row: number }>(sql`
    SELECT row FROM unnest(${sql.param([...wanted])}::int[]) AS wanted (row)
    WHERE (
      SELECT true FROM rowmill.row_results WHERE batch_id = ${batchId} AND row_number = row AND status = 'failed' LIMIT 1
    ) IS NULL LIMIT 1`);
  if (rows[0]) throw invalidField("rows", `Row ${rows[0].row} has not failed, so it cannot be retried.`);
}

/** Reopens the chunks of rows whose failures were removed. */
async function reopenChunks(tx: Tx, batchId: string): Promise<void> {
  await tx.db.execute(sql`
    WITH counted AS (
      SELECT first_row, (
        SELECT count(*) FROM rowmill.row_results
        WHERE row_results.batch_id = ${batchId} AND row_number BETWEEN first_row AND last_row AND status = 'failed'
      ) AS failed
      FROM rowmill.chunks WHERE batch_id = ${batchId} AND failed > 0
    )
    UPDATE rowmill.chunks SET failed = counted.failed, state = 'queued', attempt = attempt + 1
    FROM counted
    WHERE chunks.batch_id = ${batchId} AND chunks.first_row = counted.first_row AND chunks.failed <> counted.failed`);
  await recountChunks(tx, batchId);
}

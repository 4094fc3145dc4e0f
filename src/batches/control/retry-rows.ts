import { type SQL, sql } from "drizzle-orm";
import { type Context, requireActor, type Tx } from "../../context.ts";
import { DomainError, invalidField } from "../../errors.ts";
import { recountChunks, resetChunks } from "../process/chunk-counts.ts";
import { enqueueWork } from "../process/enqueue-work.ts";
import type { StoredBatch } from "../queries.ts";
import { isWhole, leavesRows, requireEdge, transitions } from "../state.ts";
import { type Batch, transition } from "../transitions.ts";
import { commandBatch } from "./command-batch.ts";
import { lockOpenChunks, retryWhileLocked } from "./lock-open-chunks.ts";

export interface Retry {
  /** Only these, of those that failed; absent: all of them. */
  readonly rows?: readonly number[];
  /** Also go on with the rows that were left when the batch ended. */
  readonly unprocessed?: boolean;
}

/**
 * Puts rows that failed back to work; their errors stay in their history.
 * @throws DomainError `conflict` where the state does not allow it or there is nothing to retry
 */
export function retryRows(ctx: Context, userId: number, batchId: string, retry: Retry): Promise<StoredBatch> {
  return retryWhileLocked(() =>
    commandBatch(ctx, userId, batchId, async (tx, batch) => void (await retryRowsIn(tx, batch, retry))),
  );
}

/** The same for a batch that is locked, to be run by `retryWhileLocked`. @returns how many rows will run */
export async function retryRowsIn(tx: Tx, batch: Batch, retry: Retry): Promise<number> {
  requireEdge("retry", batch.state, "retried");
  const left = leavesRows(batch.state) ? await countLeft(tx, batch) : 0;
  // Where a row of an atomic batch failed, that is why the others were left.
  const isLeftByPolicy = isWhole(batch) && batch.state === transitions.fail.to;
  if (left > 0 && !retry.unprocessed && !isLeftByPolicy) {
    throw new DomainError(
      "conflict",
      `${left} rows were left unprocessed and would run too: send \`unprocessed: true\` if they shall.`,
    );
  }
  await lockOpenChunks(tx, batch.id);
  const failed = await takeFailuresBack(tx, batch, retry.rows);
  if (failed + left === 0) throw new DomainError("conflict", "No row of this batch has failed.");
  if (isWhole(batch)) await reopenWhole(tx, batch);
  else await reopenChunks(tx, batch.id);
  const again = await transition(tx, batch.id, "retry", {
    run: batch.run + 1,
    reason: null,
    finishedAt: null,
    pacedUntil: tx.now(),
  });
  await enqueueWork(tx, again);
  return isWhole(batch) ? batch.totalRows : failed + left;
}

/** Nothing was written yet of a batch that is written as a whole: all of it runs again, whichever rows were named. */
async function reopenWhole(tx: Tx, batch: Batch): Promise<void> {
  await takeFailuresBack(tx, batch, undefined);
  await resetChunks(tx, batch.id);
  await tx.db.execute(
    sql`UPDATE rowmill.chunks SET attempt = attempt + 1, first_attempt = attempt + 1 WHERE batch_id = ${batch.id}`,
  );
}

async function countLeft(tx: Tx, batch: Batch): Promise<number> {
  const { rows } = await tx.db.execute<{ left: number }>(sql`
    SELECT coalesce(sum(row_count - succeeded - failed), 0)::int AS left FROM rowmill.chunks WHERE batch_id = ${batch.id}`);
  return rows[0]?.left ?? 0;
}

/** Moves failures from the results to the history. */
async function takeFailuresBack(tx: Tx, batch: Batch, rows: readonly number[] | undefined): Promise<number> {
  const chosen: SQL = rows === undefined ? sql`true` : sql`row_number = ANY(${sql.param([...rows])}::int[])`;
  if (rows !== undefined) await requireFailed(tx, batch.id, rows);
  const { rowCount } = await tx.db.execute(sql`
    WITH taken AS (
      DELETE FROM rowmill.row_results WHERE batch_id = ${batch.id} AND status = 'failed' AND ${chosen} RETURNING *
    )
    INSERT INTO rowmill.row_history (batch_id, row_number, event, at, user_id, attempts, error_code, error_message)
    SELECT batch_id, row_number, 'failed', completed_at, ${requireActor(tx).id}, attempts, error_code, error_message FROM taken`);
  return rowCount ?? 0;
}

/** @throws DomainError `invalid_input` that names the first row which did not fail */
async function requireFailed(tx: Tx, batchId: string, wanted: readonly number[]): Promise<void> {
  const { rows } = await tx.db.execute<{ row: number }>(sql`
    SELECT row FROM unnest(${sql.param([...wanted])}::int[]) AS wanted (row)
    WHERE NOT EXISTS (
      SELECT FROM rowmill.row_results WHERE batch_id = ${batchId} AND row_number = row AND status = 'failed'
    ) LIMIT 1`);
  if (rows[0]) throw invalidField("rows", `row ${rows[0].row} is none that has failed.`);
}

/** Chunks are open again where failures of theirs are gone. */
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

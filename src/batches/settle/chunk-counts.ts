import { sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";

/** Removes all results of a batch that has written no record, so that all of its rows are processed again. */
export async function resetChunks(tx: Tx, batchId: string): Promise<void> {
  await tx.db.execute(sql`DELETE FROM rowmill.row_results WHERE batch_id = ${batchId}`);
  await tx.db.execute(sql`
    UPDATE rowmill.chunks SET state = 'queued', succeeded = 0, failed = 0, created = 0, updated = 0, unchanged = 0,
      updated_at = statement_timestamp()
    WHERE batch_id = ${batchId}`);
  await tx.db.execute(sql`
    UPDATE rowmill.batches SET busy_ms = 0, busy_until = statement_timestamp() WHERE id = ${batchId}`);
  await recountChunks(tx, batchId);
}

/** Recomputes `chunks_left` of a batch. Call it after several chunks were opened or closed. */
export async function recountChunks(tx: Tx, batchId: string): Promise<void> {
  await tx.db.execute(sql`
    UPDATE rowmill.batches SET chunks_left = (SELECT count(*) FROM rowmill.chunks WHERE batch_id = ${batchId} AND state <> 'done')
    WHERE id = ${batchId}`);
}

/**
 * Resets the success counts of a batch that one transaction would have written and has not. Its failed rows keep their
 * results; the others have none and become unprocessed.
 */
export async function forgetSuccesses(tx: Tx, batchId: string): Promise<void> {
  await tx.db.execute(sql`
    UPDATE rowmill.chunks SET
      state = CASE WHEN failed = row_count THEN 'done'::rowmill.chunk_state ELSE 'queued'::rowmill.chunk_state END,
      succeeded = 0, created = 0, updated = 0, unchanged = 0
    WHERE batch_id = ${batchId}`);
  await recountChunks(tx, batchId);
}

/** Removes the results of rows that a dry run has found to be valid: no record was written. Their counts stay. */
export async function forgetChecked(tx: Tx, batchId: string): Promise<void> {
  await tx.db.execute(
    sql`DELETE FROM rowmill.row_results WHERE batch_id = ${batchId} AND status = 'success'`,
  );
  await tx.db.execute(sql`DELETE FROM rowmill.row_values WHERE batch_id = ${batchId}`);
}

/** Marks the sizes of the chunks of edited rows as unknown, so that workers read these chunks with care. */
export async function forgetSizes(tx: Tx, batchId: string, rows: readonly number[]): Promise<void> {
  await tx.db.execute(sql`
    UPDATE rowmill.chunks SET bytes = NULL
    WHERE batch_id = ${batchId} AND bytes IS NOT NULL AND first_row = ANY(ARRAY(
      SELECT DISTINCT (
        SELECT first_row FROM rowmill.chunks WHERE batch_id = ${batchId} AND first_row <= row ORDER BY first_row DESC LIMIT 1
      ) FROM unnest(${sql.param([...rows])}::int[]) AS edited (row)
    ))`);
}

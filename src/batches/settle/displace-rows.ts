/** Changes the results of rows whose records were taken by earlier rows of the file. */
import { sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import type { RowError } from "../../schema/batches.ts";
import type { DisplacedRow } from "../../targets/target.ts";
import { matchRows } from "../match-rows.ts";

/**
 * The caller holds the lock on the batch, so chunks displace rows one after the other.
 * @throws an error of PostgreSQL if a worker is processing the chunk of a displaced row; the caller repeats its own chunk
 */
export async function displaceRows(
  tx: Tx,
  batchId: string,
  displaced: readonly DisplacedRow[],
): Promise<void> {
  if (displaced.length === 0) return;
  const failed = displaced.flatMap(({ row, error, formerMessage }) =>
    error ? { row, error, formerMessage } : [],
  );
  const unchanged = displaced.flatMap(({ row, error }) => (error ? [] : row));
  await failRows(tx, batchId, failed);
  await leaveUnchanged(tx, batchId, unchanged);
  await recount(
    tx,
    batchId,
    failed.map(({ row }) => row),
    "failed",
  );
  await recount(tx, batchId, unchanged, "unchanged");
}

interface FailedRow {
  readonly row: number;
  readonly error: RowError;
  readonly formerMessage: string;
}

async function failRows(tx: Tx, batchId: string, rows: readonly FailedRow[]): Promise<void> {
  if (rows.length === 0) return;
  const { isMatch, valueOfRow } = matchRows(batchId, rows);
  await tx.db.execute(sql`
    UPDATE rowmill.row_results SET status = 'failed', record_id = NULL, record_key = NULL, record_version = NULL, effect = NULL,
      completed_at = statement_timestamp(),
      error_code = ${valueOfRow(({ error }) => error.code)}, error_message = ${valueOfRow(({ error }) => error.message)},
      errors = ${valueOfRow(({ error }) => JSON.stringify([error]))}::json
    WHERE ${isMatch} AND status = 'success'`);
  // Only chunks that ran ahead have rows that failed because of a displaced row, so the query reads few.
  const messages = sql`${sql.param(rows.map(({ formerMessage }) => formerMessage))}::text[]`;
  const { rows: affected } = await tx.db.execute<{ row: number; message: string }>(sql`
    SELECT row_number AS row, error_message AS message FROM rowmill.row_results
    WHERE batch_id = ${batchId} AND row_number > ${Math.min(...rows.map(({ row }) => row))} AND status = 'failed'
      AND error_message = ANY(${messages})`);
  if (affected.length === 0) return;
  const newErrors = new Map(rows.map(({ formerMessage, error }) => [formerMessage, error]));
  const others = matchRows(batchId, affected);
  await tx.db.execute(sql`
    UPDATE rowmill.row_results SET
      error_message = ${others.valueOfRow(({ message }) => newErrors.get(message)?.message ?? message)},
      errors = ${others.valueOfRow(({ message }) => JSON.stringify([newErrors.get(message)]))}::json
    WHERE ${others.isMatch} AND status = 'failed'`);
}

async function leaveUnchanged(tx: Tx, batchId: string, rows: readonly number[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.db.execute(sql`
    UPDATE rowmill.row_results SET effect = 'unchanged'
    WHERE batch_id = ${batchId} AND row_number = ANY(${sql.param([...rows])}::int[]) AND status = 'success'`);
}

/** The rows had created records. NOWAIT: a worker locks its chunk before the batch. */
async function recount(
  tx: Tx,
  batchId: string,
  rows: readonly number[],
  becomes: "failed" | "unchanged",
): Promise<void> {
  if (rows.length === 0) return;
  const { rows: counts } = await tx.db.execute<{ firstRow: number; count: number }>(sql`
    SELECT first_row AS "firstRow", count FROM (
      SELECT chunk.first_row, count(*)::int AS count
      FROM unnest(${sql.param([...rows])}::int[]) AS displaced (row_number) CROSS JOIN LATERAL (
        SELECT first_row FROM rowmill.chunks
        WHERE batch_id = ${batchId} AND first_row <= row_number ORDER BY first_row DESC LIMIT 1
      ) AS chunk GROUP BY 1
    ) AS counted JOIN rowmill.chunks USING (first_row) WHERE batch_id = ${batchId} FOR UPDATE OF chunks NOWAIT`);
  const columns = {
    failed: sql`failed = failed + displaced.count, succeeded = succeeded - displaced.count`,
    unchanged: sql`unchanged = unchanged + displaced.count`,
  };
  await tx.db.execute(sql`
    UPDATE rowmill.chunks SET created = created - displaced.count, ${columns[becomes]}
    FROM unnest(${sql.param(counts.map(({ firstRow }) => firstRow))}::int[], ${sql.param(counts.map(({ count }) => count))}::int[])
      AS displaced (first_row, count)
    WHERE batch_id = ${batchId} AND chunks.first_row = displaced.first_row`);
}

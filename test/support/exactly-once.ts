/** The invariant that every flow ends with. */
import type pg from "pg";
import { expect } from "vitest";

/**
 * Every row has one result, every success its own book, no book came from nowhere, and the batch ended once,
 * or as often as it was taken up again and once more.
 * It must be its user's only batch.
 */
export async function expectExactlyOnce(
  pool: pg.Pool,
  batchId: string,
  { good, bad, ends = 1 }: { good: number; bad: number; ends?: number },
): Promise<void> {
  // Tables that grew a moment ago would be joined row by row. Each CTE is MATERIALIZED, so that each has one shard of Citus.
  await pool.query("ANALYZE rowmill.batch_rows, rowmill.row_results, rowmill.books, rowmill.chunks");
  const { rows } = await pool.query(
    `WITH rows AS MATERIALIZED (SELECT * FROM rowmill.batch_rows WHERE batch_id = $1),
      results AS MATERIALIZED (SELECT * FROM rowmill.row_results WHERE batch_id = $1),
      parts AS MATERIALIZED (SELECT * FROM rowmill.chunks WHERE batch_id = $1),
      owner AS MATERIALIZED (SELECT user_id FROM rowmill.batches WHERE id = $1),
      owned AS MATERIALIZED (SELECT * FROM rowmill.books WHERE user_id = (SELECT user_id FROM owner)),
      ends AS MATERIALIZED (SELECT count(*)::int FROM rowmill.notifications WHERE kind = 'batch.finished' AND subject_id = $1::text)
    SELECT
      (SELECT count(*)::int FROM rows) AS rows,
      (SELECT count(*)::int FROM rows FULL JOIN results USING (row_number)
        WHERE rows.batch_id IS NULL OR results.batch_id IS NULL) AS "rowsOrResultsAlone",
      (SELECT count(*)::int FROM results WHERE status = 'success') AS good,
      (SELECT count(*)::int FROM results WHERE status = 'failed') AS bad,
      (SELECT count(DISTINCT record_id)::int FROM results WHERE status = 'success') AS records,
      (SELECT count(*)::int FROM owned) AS books,
      (SELECT count(*)::int FROM owned WHERE id NOT IN (SELECT record_id FROM results WHERE record_id IS NOT NULL))
        AS "booksWithoutResult",
      (SELECT count(*)::int FROM results JOIN rows USING (row_number) LEFT JOIN owned ON owned.id = record_id
        WHERE status = 'success' AND owned.title IS DISTINCT FROM rows.fields->>0) AS "successesWithoutTheirBook",
      (SELECT count(*)::int FROM parts WHERE state <> 'done') AS "chunksNotDone",
      (SELECT sum(succeeded)::int FROM parts) AS "goodInChunks",
      (SELECT sum(failed)::int FROM parts) AS "badInChunks",
      (SELECT count FROM ends) AS "announcedEnds",
      state, total_rows AS total, chunks_left AS "chunksLeft", finished_at IS NOT NULL AS "isFinished"
    FROM rowmill.batches WHERE id = $1`,
    [batchId],
  );
  expect(rows[0]).toEqual({
    rows: good + bad,
    rowsOrResultsAlone: 0,
    good,
    bad,
    records: good,
    books: good,
    booksWithoutResult: 0,
    successesWithoutTheirBook: 0,
    chunksNotDone: 0,
    goodInChunks: good,
    badInChunks: bad,
    announcedEnds: ends,
    state: bad > 0 ? "completed_with_errors" : "completed",
    total: good + bad,
    chunksLeft: 0,
    isFinished: true,
  });
}

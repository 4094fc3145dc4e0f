/** Batches, rows, and what rows become. */
import { at, batchIdOf, KNOWN, type Owners, type Sizes } from "./fill.ts";

const COLUMNS =
  "id, user_id, target, filename, state, header, mapping, row_delay_ms, total_rows, created_at, finished_at";

/** Rows of the two batches whose rows are listed. */
const ROWS_PER_OTHER = 0.5;

export function uploadStatements({ owner, other }: Owners, { batches, others }: Sizes): string[] {
  const rows = Math.max(1000, Math.floor(others * ROWS_PER_OTHER));
  const listed = (id: string, name: string) => `
    INSERT INTO rowmill.batches (${COLUMNS})
    VALUES ('${id}', ${owner}, 'books', '${name}', 'completed_with_errors', '{title,author}', '{"title":0,"author":1}', 0, ${rows},
      now() - interval '${90} days', now() - interval '90 days')`;
  return [
    listed(KNOWN.batch, "rows.csv"),
    listed(KNOWN.failedBatch, "failures.csv"),
    // Of the owner: the oldest three failed, one is paused, none was undone. Of the other: old ones, in rare states.
    `INSERT INTO rowmill.batches (${COLUMNS})
     SELECT ${batchIdOf(batches)}, ${other}, 'books', 'other-' || n || '.csv', 'cancelled', '{title}', '{"title":0}', 0, 1, ${at(batches)}, ${at(batches)}
     FROM generate_series(1, 20) AS n`,
    `INSERT INTO rowmill.batches (${COLUMNS})
     SELECT ${batchIdOf(batches)}, ${owner}, CASE WHEN n < 24 THEN 'records' ELSE 'books' END,
       CASE WHEN n < 24 THEN 'needle-' || n || '.csv' ELSE 'file-' || n || '.csv' END,
       (CASE WHEN n < 24 THEN 'failed' WHEN n = 24 THEN 'paused' WHEN n % 100 = 0 THEN 'completed_with_errors' ELSE 'completed' END)::rowmill.batch_state,
       '{title}', '{"title":0}', 0, 10, ${at(batches)}, CASE WHEN n <> 24 THEN ${at(batches)} END
     FROM generate_series(21, ${batches}) AS n`,
    `INSERT INTO rowmill.chunks (batch_id, first_row, last_row, row_count, state, succeeded, created)
     SELECT id, 2, 11, 10, 'done', 10, 10 FROM rowmill.batches WHERE total_rows = 10 AND state <> 'paused'`,
    ...[KNOWN.batch, KNOWN.failedBatch].map(
      (id) => `
      INSERT INTO rowmill.batch_rows (batch_id, row_number, fields)
      SELECT '${id}', n + 1, json_build_array('Title ' || n, 'Author') FROM generate_series(1, ${rows}) AS n`,
    ),
    // The last three rows of the first batch failed, and all rows of the second: nearly all for one reason.
    `INSERT INTO rowmill.row_results (batch_id, row_number, status, attempts, effect, error_code, error_message, errors, record_id)
     SELECT batch_id, row_number, (CASE WHEN failed THEN 'failed' ELSE 'success' END)::rowmill.row_status, 1,
       CASE WHEN NOT failed THEN 'created'::rowmill.row_effect END, CASE WHEN failed THEN code END, CASE WHEN failed THEN 'is missing' END,
       CASE WHEN failed THEN json_build_array(json_build_object('column', 'title', 'code', code, 'message', 'is missing')) END,
       CASE WHEN NOT failed THEN row_number END
     FROM (SELECT *, batch_id = '${KNOWN.failedBatch}' OR row_number > ${rows - 2} AS failed,
       CASE WHEN row_number > ${rows - 2} THEN 'rare' ELSE 'required' END AS code FROM rowmill.batch_rows) AS rows
     WHERE batch_id IN ('${KNOWN.batch}', '${KNOWN.failedBatch}')`,
    `INSERT INTO rowmill.chunks (batch_id, first_row, last_row, row_count, state, succeeded, failed, created)
     SELECT batch_id, min(row_number), max(row_number), count(*), 'done', count(*) FILTER (WHERE status = 'success'),
       count(*) FILTER (WHERE status = 'failed'), count(*) FILTER (WHERE status = 'success')
     FROM rowmill.row_results WHERE batch_id IN ('${KNOWN.batch}', '${KNOWN.failedBatch}') GROUP BY batch_id, row_number / 4000`,
    `INSERT INTO rowmill.books (user_id, title, author, created_at)
     SELECT ${owner}, CASE WHEN n < 4 THEN 'Needle ' ELSE 'Title ' END || n, 'Author ' || n % 1000, ${at(others)} FROM generate_series(1, ${others}) AS n`,
    `INSERT INTO rowmill.records (user_id, batch_id, row_number, data)
     SELECT ${owner}, CASE WHEN n < ${others / 2} THEN '${KNOWN.batch}' ELSE '${KNOWN.failedBatch}' END::uuid, n, json_build_object('n', n)
     FROM generate_series(1, ${others}) AS n`,
  ];
}

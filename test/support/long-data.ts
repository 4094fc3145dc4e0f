/** The longest data that the limits allow, written into the database directly: uploading it would take minutes. */
import type pg from "pg";

/** Column names of 985 bytes. */
export const COLUMNS = 1000;
const NAMES =
  "(SELECT array_agg(repeat('n', 980) || lpad(n::text, 5, '0') ORDER BY n) FROM generate_series(1, $2::int) AS n)";

export interface LongBatch {
  readonly id: string;
  readonly number: number;
}

interface Shape {
  readonly target: "books" | "records";
  readonly columns: number;
  readonly rows: number;
  /** The bytes of the first cell of each row. */
  readonly cellBytes: number;
  readonly state?: string;
}

const ENDED = ["completed", "failed", "cancelled", "undone"];

/** Creates batches of this shape. `rows` are numbered from 2, as in a file. */
export async function longBatches(
  pool: pg.Pool,
  userId: number,
  count: number,
  { target, columns, rows, cellBytes, state = "completed" }: Shape,
): Promise<LongBatch[]> {
  const { rows: batches } = await pool.query<LongBatch>(
    `WITH shape AS (SELECT ${NAMES} AS header),
      created AS (
        INSERT INTO rowmill.batches (id, user_id, target, filename, state, header, mapping, row_delay_ms, total_rows, finished_at)
        SELECT (left(gen_random_uuid()::text, 28) || '00000000')::uuid, $1::bigint, $3,
          'long.csv', $5::rowmill.batch_state, header, '{"title": 0, "author": 1}', 0, $4::int,
          $7::timestamptz
        FROM shape, generate_series(1, $6::int) AS n RETURNING id, number)
    SELECT id, number::int FROM created ORDER BY id`,
    [userId, columns, target, rows, state, count, ENDED.includes(state) ? new Date() : null],
  );
  for (const { id } of batches) if (rows > 0) await longRows(pool, id, rows, cellBytes);
  return batches;
}

/** Text of this length that differs per item. */
const TEXT = (bytes: string) => `repeat(md5(n::text), ${bytes} / 32)`;

async function longRows(pool: pg.Pool, batchId: string, rows: number, cellBytes: number): Promise<void> {
  await pool.query(
    `INSERT INTO rowmill.batch_rows (batch_id, row_number, fields)
    SELECT $1, n + 1, json_build_array(${TEXT("$3::int")}, 'author') FROM generate_series(1, $2::int) AS n`,
    [batchId, rows, cellBytes],
  );
  await pool.query(
    `INSERT INTO rowmill.chunks (batch_id, first_row, last_row, row_count, state, succeeded, created)
    VALUES ($1, 2, $2::int + 1, $2, 'done', $2, $2)`,
    [batchId, rows],
  );
  await pool.query(
    `INSERT INTO rowmill.row_results (batch_id, row_number, status, attempts, effect, record_id)
    SELECT $1, n + 1, 'success', 1, 'created', n FROM generate_series(1, $2::int) AS n`,
    [batchId, rows],
  );
}

/** Makes each row of a batch a record. */
export async function longRecords(pool: pg.Pool, userId: number, batchId: string): Promise<void> {
  await pool.query(
    `INSERT INTO rowmill.records (user_id, batch_id, row_number, data)
    SELECT $1, batch_id, row_number, json_build_object('title', fields->>0) FROM rowmill.batch_rows WHERE batch_id = $2`,
    [userId, batchId],
  );
}

export async function longBooks(pool: pg.Pool, userId: number, count: number, bytes: number): Promise<void> {
  await pool.query(
    `INSERT INTO rowmill.books (user_id, title, author, description)
    SELECT $1, 'Title ' || n, 'Author', ${TEXT("$3::int")} FROM generate_series(1, $2::int) AS n`,
    [userId, count, bytes],
  );
}

/** @param bytes of the old cells of each edit */
export async function longHistory(
  pool: pg.Pool,
  userId: number,
  batchId: string,
  edits: number,
  bytes: number,
): Promise<void> {
  await pool.query(
    `INSERT INTO rowmill.row_history (batch_id, row_number, event, user_id, fields)
    SELECT $2, 2, 'edited', $1, json_build_array(${TEXT("$4::int")}, n::text) FROM generate_series(1, $3::int) AS n`,
    [userId, batchId, edits, bytes],
  );
}

/** Returns the id of one of the tasks. Each has parameters, an event and a progress report of this many bytes. */
export async function longTasks(
  pool: pg.Pool,
  userId: number,
  count: number,
  bytes: number,
): Promise<string> {
  const { rows } = await pool.query<{ id: string }>(
    `INSERT INTO rowmill.tasks (id, user_id, type, queue, params, metadata, max_retries, job_id, status, completed_at)
    SELECT gen_random_uuid(), $1, 'generic', 'default', json_build_object('text', ${TEXT("$3::int")}), '{}', 3,
      gen_random_uuid(), 'completed', now() FROM generate_series(1, $2::int) AS n RETURNING id`,
    [userId, count, bytes],
  );
  const id = rows[0]?.id ?? "";
  await pool.query(
    `INSERT INTO rowmill.task_events (task_id, type, metadata)
    SELECT $1, 'progress', json_build_object('text', ${TEXT("$3::int")}) FROM generate_series(1, $2::int) AS n`,
    [id, count, bytes],
  );
  await pool.query(
    `INSERT INTO rowmill.task_progress (task_id, progress, data)
    SELECT $1, 50, json_build_object('text', ${TEXT("$3::int")}) FROM generate_series(1, $2::int) AS n`,
    [id, count, bytes],
  );
  return id;
}

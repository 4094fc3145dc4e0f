/** Batches with results, and their result files. */
import Papa from "papaparse";
import { expect } from "vitest";
import { newBatchId } from "../../src/batches/ids.ts";
import type { ResultFile } from "../../src/batches/results/result-ranges.ts";
import type { Client } from "./client.ts";
import type { Rowmill } from "./rowmill.ts";

export const OURS = ["_row", "_status", "_error_code", "_error", "_id"];

export async function uploaded(
  user: Client,
  content: string | Uint8Array,
  filename?: string,
): Promise<string> {
  const { status, body } = await user.upload(content, "/api/v1/batches?target=books&force=true", filename);
  expect(status).toBe(202);
  return body.id;
}

/** Uploads where a worker runs, and waits for the end. */
export async function finished(
  user: Client,
  content: string | Uint8Array,
  filename?: string,
): Promise<string> {
  const id = await uploaded(user, content, filename);
  await user.finished(id);
  return id;
}

export const path = (id: string, file: string) => `/api/v1/batches/${id}/results/${file}`;

export async function csvOf(user: Client, id: string, file: ResultFile): Promise<string[][]> {
  const { status, body } = await user.get<string>(path(id, `${file}.csv`));
  expect(status).toBe(200);
  expect(body.endsWith("\n")).toBe(true);
  return Papa.parse<string[]>(body.slice(0, -1), { delimiter: ",", newline: "\n" }).data;
}

export async function bytesOf(user: Client, path: string): Promise<Buffer> {
  const response = await fetch(user.url + path, { headers: { authorization: `Bearer ${user.token}` } });
  expect(response.status).toBe(200);
  return Buffer.from(await response.arrayBuffer());
}

export interface JsonRow {
  [column: string]: unknown;
  _row: number;
  _status: string;
}

export async function jsonOf(user: Client, id: string, file: ResultFile): Promise<JsonRow[]> {
  const { status, body } = await user.get<JsonRow[]>(path(id, `${file}.json`));
  expect(status).toBe(200);
  return body;
}

/** Inserts a finished batch without processing it: of three rows, one failed and one is unprocessed. `tail` is SQL for row `n`. */
export async function storeBatch(
  { ctx: { pool } }: Rowmill,
  user: Client,
  rows: number,
  cell: string,
  tail = "''",
): Promise<string> {
  const id = newBatchId(new Date());
  await pool.query(
    `INSERT INTO rowmill.batches (id, user_id, target, filename, state, header, mapping, row_delay_ms, total_rows, finished_at)
     VALUES ($1, $2, 'books', 'big.csv', 'cancelled', '{title,author,description}', '{"title":0,"author":1}', 0, $3, now())`,
    [id, user.userId, rows],
  );
  await pool.query(
    `INSERT INTO rowmill.batch_rows (batch_id, row_number, fields)
     SELECT $1, n, json_build_array('Title ' || n, 'Author', $3::text || ${tail}) FROM generate_series(2, $2 + 1) AS n`,
    [id, rows, cell],
  );
  await pool.query(
    `INSERT INTO rowmill.row_results (batch_id, row_number, status, attempts, record_id, effect, error_code, error_message, errors)
     SELECT $1, n, (CASE WHEN n % 3 = 0 THEN 'success' ELSE 'failed' END)::rowmill.row_status, 1, CASE WHEN n % 3 = 0 THEN n END,
       (CASE WHEN n % 3 = 0 THEN 'created' END)::rowmill.row_effect, CASE WHEN n % 3 = 1 THEN 'required' END,
       CASE WHEN n % 3 = 1 THEN 'author is required' END, CASE WHEN n % 3 = 1 THEN '[]'::json END
     FROM generate_series(2, $2 + 1) AS n WHERE n % 3 < 2`,
    [id, rows],
  );
  await pool.query(
    `INSERT INTO rowmill.chunks (batch_id, first_row, last_row, row_count, state, succeeded, failed, created)
     VALUES ($1, 2, $2 + 1, $2, 'processing', $3, $4, $3)`,
    [id, rows, Math.floor((rows + 1) / 3), Math.floor(rows / 3)],
  );
  return id;
}

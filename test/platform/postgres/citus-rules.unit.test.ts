/** Each rule refuses an example, and statements that Citus takes pass. */
import { expect, test } from "vitest";
import { brokenRules, type Rule } from "../../support/citus-rules.ts";

const VOLATILITY = new Map([
  ["statement_timestamp", "s"],
  ["clock_timestamp", "v"],
  ["pg_notify", "v"],
  ["to_char", "s"],
]);

/** Parameters with the same number have the same value. */
const check = (text: string, equal: number[] = []) => brokenRules({ text, equal }, VOLATILITY);

test.for<[Rule, string]>([
  ["names no key", "SELECT * FROM rowmill.books WHERE id = $1"],
  ["names no key", "UPDATE rowmill.chunks SET waiting = 0 WHERE state = 'done'"],
  ["names no key", "SELECT 1 FROM rowmill.chunks JOIN rowmill.batches ON true WHERE batch_id = $1"],
  ["names no key", "SELECT 1 FROM rowmill.batches WHERE id = $1 OR state = 'done'"],
  ["names no key", "DELETE FROM rowmill.file_chunks WHERE file_id NOT IN ($1, $2)"],
  ["names no key", "SELECT 1 FROM rowmill.batches WHERE id = (SELECT $1::uuid) FOR UPDATE"],
  [
    "names no key",
    "SELECT (SELECT count(*) FROM rowmill.chunks WHERE batch_id = batches.id) FROM rowmill.batches WHERE id = $1",
  ],
  [
    "names two keys",
    "SELECT 1 FROM rowmill.batch_rows a, rowmill.batch_rows b WHERE a.batch_id = $1 AND b.batch_id = $2",
  ],
  [
    "mixes families",
    "SELECT 1 FROM rowmill.batches JOIN rowmill.users ON users.id = batches.user_id WHERE batches.id = $1",
  ],
  [
    "mixes families",
    "SELECT (SELECT count(*) FROM rowmill.books WHERE user_id = $1), (SELECT count(*) FROM rowmill.records WHERE user_id = $1), (SELECT 1 FROM rowmill.files WHERE id = $2)",
  ],
  [
    "mixes families",
    "INSERT INTO rowmill.books (user_id, title) SELECT $1, fields->>0 FROM rowmill.batch_rows WHERE batch_id = $2",
  ],
  [
    "mixes families",
    "DELETE FROM rowmill.users WHERE id = $1 AND NOT EXISTS (SELECT FROM rowmill.books WHERE user_id = $1)",
  ],
  ["subquery in VALUES", "INSERT INTO rowmill.books (user_id, title) VALUES ($1, (SELECT 'x'))"],
  [
    "DO NOTHING without RETURNING",
    "INSERT INTO rowmill.books (user_id, title) SELECT $1, title FROM unnest($2::text[]) AS cells (title) ON CONFLICT (user_id, key) DO NOTHING",
  ],
  ["untyped process id", "SELECT pg_cancel_backend($1)"],
  ["no key in INSERT", "INSERT INTO rowmill.books (title) VALUES ($1)"],
  ["changes the key", "UPDATE rowmill.books SET user_id = $2 WHERE user_id = $1"],
  ["volatile function", "UPDATE rowmill.batches SET busy_until = clock_timestamp() WHERE id = $1"],
  [
    "stable function of a column",
    "UPDATE rowmill.books SET title = to_char(created_at, 'YYYY') WHERE user_id = $1",
  ],
  [
    "stable function of a column",
    "UPDATE rowmill.batches SET paced_until = paced_until + make_interval(secs => 1) WHERE id = $1",
  ],
  [
    "mutable function in CASE or COALESCE",
    "UPDATE rowmill.batches SET started_at = coalesce(started_at, statement_timestamp()) WHERE id = $1",
  ],
  [
    "element of an array in SET",
    "UPDATE rowmill.row_results SET undo_reason = ($1::text[])[width_bucket(row_number, $2)] WHERE batch_id = $3",
  ],
  [
    "mutable function in RETURNING",
    "UPDATE rowmill.batches SET state = 'done' WHERE id = $1 RETURNING pg_notify('x', 'y')",
  ],
  [
    "enum cast of a column",
    "UPDATE rowmill.row_results SET undo = ($2::text[])[row_number]::rowmill.undo_outcome WHERE batch_id = $1",
  ],
])("%s: %s", ([rule, text]) => {
  expect(check(text)).toContain(rule);
});

test.for([
  "SELECT * FROM rowmill.books WHERE user_id = $1 AND id = $2",
  "SELECT 1 FROM rowmill.chunks JOIN rowmill.batches ON batches.id = chunks.batch_id WHERE batch_id = $1 FOR UPDATE",
  "SELECT 1 FROM unnest($1::int[]) AS r (n) CROSS JOIN LATERAL (SELECT FROM rowmill.batch_rows WHERE batch_id = $2 AND row_number = r.n LIMIT 1) AS x",
  "WITH staged AS MATERIALIZED (SELECT 1 FROM rowmill.batch_rows WHERE batch_id = $1) SELECT 1 FROM staged, rowmill.batch_rows WHERE batch_id = $2",
  "INSERT INTO rowmill.books (id, user_id, title) SELECT id, $1, title FROM unnest($2::int[], $3::text[]) AS cells (id, title) ON CONFLICT (user_id, key) DO NOTHING RETURNING id",
  "UPDATE rowmill.chunks SET state = CASE WHEN succeeded = 1 THEN 'done'::rowmill.chunk_state ELSE $2::rowmill.chunk_state END, updated_at = statement_timestamp() WHERE batch_id = $1",
  "SELECT 1 FROM rowmill.batches WHERE id = ANY($1)",
  "DELETE FROM rowmill.file_chunks WHERE file_id IN ($1, $2)",
  "WITH RECURSIVE later AS (SELECT first_row AS row FROM rowmill.chunks WHERE batch_id = $1 UNION ALL SELECT row + 1 FROM later WHERE row < 9) SELECT row FROM later",
  "SELECT 1 FROM rowmill.users",
  "SELECT pg_cancel_backend($1::int)",
])("Citus takes: %s", (text) => {
  expect(check(text)).toEqual([]);
});

test("two parameters with one value are one key", () => {
  const text =
    "SELECT 1 FROM rowmill.batch_rows JOIN rowmill.row_results USING (row_number) WHERE batch_rows.batch_id = $1 AND row_results.batch_id = $2";
  expect(check(text, [1, 1])).toEqual([]);
  expect(check(text, [1, 2])).toEqual(["names two keys"]);
});

import { expect, test } from "vitest";
import { newBatchId } from "../../../src/batches/ids.ts";
import type { ErrorGroupsView } from "../../../src/batches/results/views.ts";
import type { Client, Problem } from "../../support/client.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const rowmill = useRowmill({ worker: true });

const errorsOf = (user: Client, id: string) => user.get<ErrorGroupsView>(`/api/v1/batches/${id}/errors`);

/** A batch whose rows 2, 3, ... failed with these errors; null: kept as batches were before they had every error. */
async function storeFailures(user: Client, errors: string): Promise<string> {
  const id = newBatchId(new Date());
  const { pool } = rowmill.ctx;
  await pool.query(
    `INSERT INTO rowmill.batches (id, user_id, target, filename, state, header, mapping, row_delay_ms, finished_at)
     VALUES ($1, $2, 'books', 'x.csv', 'completed_with_errors', '{title}', '{}', 0, now())`,
    [id, user.userId],
  );
  await pool.query(
    `INSERT INTO rowmill.row_results (batch_id, row_number, status, attempts, error_code, error_message, errors)
     SELECT $1, n, 'failed', 1, 'some_code', 'Some message', errors FROM ${errors} AS stored (n, errors)`,
    [id],
  );
  return id;
}

test("forty thousand failures read as three causes", async () => {
  const user = await rowmill.newUser();
  const long = "x".repeat(300);
  const rows = Array.from({ length: 40_000 }, (_, n) => {
    if (n < 3) return `Fine ${n},Author\n`;
    if (n % 100 === 0) return `Title,${long}\n`;
    return n % 2 ? ",Author\n" : ",\n";
  });
  const { body: accepted } = await user.upload(
    `title,author\n${rows.join("")}`,
    "/api/v1/batches?skip_blank_rows=false",
  );
  const { counts } = await user.finished(accepted.id);
  const { status, body } = await errorsOf(user, accepted.id);
  expect(status).toBe(200);
  expect(body).toEqual({
    failed: 39_997,
    ungrouped: 0,
    groups: [
      {
        code: "required",
        column: "title",
        count: 39_598,
        message: "title is required",
        rows: [5, 6, 7, 8, 9],
        rows_url: expect.any(String),
      },
      {
        code: "required",
        column: "author",
        count: 19_599,
        message: "author is required",
        rows: [6, 8, 10, 12, 14],
        rows_url: expect.any(String),
      },
      {
        code: "too_long",
        column: "author",
        count: 399,
        message: expect.any(String),
        rows: [102, 202, 302, 402, 502],
        rows_url: expect.any(String),
      },
    ],
  });
  expect(body.failed).toBe(counts.failed);
});

test("a batch without failures has none", async () => {
  const user = await rowmill.newUser();
  const { body: accepted } = await user.upload("title,author\nEmma,Austen\n");
  await user.finished(accepted.id);
  expect((await errorsOf(user, accepted.id)).body).toEqual({ failed: 0, groups: [], ungrouped: 0 });
});

test("a row counts once in a group, and an error of the whole row has no column", async () => {
  const user = await rowmill.newUser();
  const twice =
    '[{"column":"a","code":"pattern","message":"one"},{"column":"a","code":"pattern","message":"two"}]';
  const whole = '[{"column":null,"code":"malformed","message":"Quote."}]';
  const id = await storeFailures(
    user,
    `(VALUES (2, '${twice}'::json), (3, '${whole}'), (4, '${whole}'), (5, NULL))`,
  );
  expect((await errorsOf(user, id)).body).toEqual({
    failed: 4,
    ungrouped: 0,
    groups: [
      {
        code: "malformed",
        column: null,
        count: 2,
        message: "Quote.",
        rows: [3, 4],
        rows_url: expect.any(String),
      },
      {
        code: "pattern",
        column: "a",
        count: 1,
        message: expect.stringMatching(/one|two/),
        rows: [2],
        rows_url: expect.any(String),
      },
      {
        code: "some_code",
        column: null,
        count: 1,
        message: "Some message",
        rows: [5],
        rows_url: expect.any(String),
      },
    ],
  });
});

test("counts and first rows hold beyond what one statement looks at", async () => {
  const user = await rowmill.newUser();
  // Row 49,999 is in the first page of 50,000 rows; its like come in the pages behind.
  const id = await storeFailures(
    user,
    `(SELECT n, json_build_array(json_build_object('column', 'a', 'code', CASE WHEN n < 49999 THEN 'early' ELSE 'late' END, 'message', n))
      FROM generate_series(2, 120001) AS n)`,
  );
  expect((await errorsOf(user, id)).body).toEqual({
    failed: 120_000,
    ungrouped: 0,
    groups: [
      {
        code: "late",
        column: "a",
        count: 70_003,
        message: "49999",
        rows: [49_999, 50_000, 50_001, 50_002, 50_003],
        rows_url: expect.any(String),
      },
      {
        code: "early",
        column: "a",
        count: 49_997,
        message: "2",
        rows: [2, 3, 4, 5, 6],
        rows_url: expect.any(String),
      },
    ],
  });
});

test("errors are grouped by up to a thousand codes, and no failure is lost", async () => {
  const user = await rowmill.newUser();
  const id = await storeFailures(
    user,
    `(SELECT n, json_build_array(json_build_object('column', NULL, 'code', 'code-' || n, 'message', 'x')) FROM generate_series(2, 3001) AS n)`,
  );
  const { body } = await errorsOf(user, id);
  expect(body.groups).toHaveLength(1000);
  expect(body.failed).toBe(3000);
  expect(body.ungrouped).toBe(2000);
});

test("answers to the owner alone", async () => {
  const [user, other] = [await rowmill.newUser(), await rowmill.newUser()];
  const { body: accepted } = await user.upload("title,author\nEmma,Austen\n");
  const path = (id: string) => `/api/v1/batches/${id}/errors`;
  const foreign = await other.get<Problem>(path(accepted.id));
  expect(foreign.status).toBe(404);
  expect(foreign.body).toEqual((await other.get<Problem>(path(newBatchId(new Date())))).body);
});

import { describe, expect, test } from "vitest";
import { getBatch } from "../../../src/batches/queries.ts";
import { exportResults } from "../../../src/batches/results/export-results.ts";
import { readMeasuredPage } from "../../../src/batches/results/measured-pages.ts";
import { readShortPage } from "../../../src/batches/results/short-pages.ts";
import type { BatchState } from "../../../src/schema/batches.ts";
import { randomOf } from "../../support/random.ts";
import { storeBatch } from "../../support/result-files.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const rowmill = useRowmill();
const LIMITS = { addedBytes: 50, maxBytes: 2 ** 18 };

const CELLS = [
  "",
  "x",
  " ",
  '"',
  "\\",
  "\t",
  "\n",
  "\r\n",
  "\u001e",
  "\u001f",
  "\u2028",
  "漢",
  "😀",
  "=1+1",
  "a,b",
];

/** A batch with blank lines, cells and messages of every kind, results of every kind, and rows without one. */
async function storeNasty() {
  const user = await rowmill.newUser();
  const { below, pick } = randomOf(75);
  const text = () => Array.from({ length: below(5) }, () => pick(CELLS)).join("");
  const id = await storeBatch(rowmill, user, 600, "x");
  const { pool } = rowmill.ctx;
  const rows = Array.from({ length: 600 }, (_, row) => ({
    row: row + 2,
    cells: JSON.stringify(Array.from({ length: below(5) }, text)),
    message: text(),
  }));
  await pool.query(
    `UPDATE rowmill.batch_rows SET fields = cells::json FROM unnest($2::int[], $3::text[]) AS made (row, cells)
     WHERE batch_id = $1 AND row_number = row`,
    [id, rows.map(({ row }) => row), rows.map(({ cells }) => cells)],
  );
  // As SQL writes JSON, with blanks.
  await pool.query(
    "UPDATE rowmill.batch_rows SET fields = fields::jsonb::json WHERE batch_id = $1 AND row_number % 7 = 0",
    [id],
  );
  await pool.query(
    `UPDATE rowmill.row_results SET error_message = message, error_code = CASE row_number % 4 WHEN 0 THEN error_code ELSE 'code' || message END
     FROM unnest($2::int[], $3::text[]) AS made (row, message)
     WHERE batch_id = $1 AND row_number = row AND status = 'failed'`,
    [id, rows.map(({ row }) => row), rows.map(({ message }) => message)],
  );
  await pool.query(
    `UPDATE rowmill.row_results SET record_id = NULL, record_key = '{"key": "a\\u001eb"}'
     WHERE batch_id = $1 AND row_number % 9 = 0 AND status = 'success'`,
    [id],
  );
  await pool.query(
    "UPDATE rowmill.row_results SET undo = 'reversed' WHERE batch_id = $1 AND row_number % 12 = 0 AND status = 'success'",
    [id],
  );
  // Blank lines leave gaps, and a removal that was interrupted leaves results without rows.
  await pool.query("DELETE FROM rowmill.batch_rows WHERE batch_id = $1 AND row_number % 5 = 0", [id]);
  return getBatch(rowmill.ctx, user.userId, id);
}

describe("a page of short rows", () => {
  test.each<BatchState>(["queued", "processing", "paused", "cancelled", "completed_with_errors", "undone"])(
    "has the rows that a measured page has, in a batch that is %s",
    async (state) => {
      const batch = { ...(await storeNasty()), state };
      for (const file of ["all", "success"] as const) {
        for (const range of [
          { after: 0, rows: 1000 },
          { after: 0, rows: 1 },
          { after: 100, rows: 37 },
          { after: 5000, rows: 10 },
        ]) {
          const measured = await readMeasuredPage(rowmill.ctx, batch, file, "csv", range);
          const short = await readShortPage(rowmill.ctx, batch, file, range, LIMITS);
          expect(short.rows).toEqual(measured.items);
          expect(measured.hasMore).toBe(false);
        }
      }
    },
  );

  test("a range of rows with more bytes than a page is not read", async () => {
    const user = await rowmill.newUser();
    const id = await storeBatch(rowmill, user, 100, "x".repeat(10_000));
    const batch = await getBatch(rowmill.ctx, user.userId, id);
    const read = (rows: number) => readShortPage(rowmill.ctx, batch, "all", { after: 1, rows }, LIMITS);
    expect(await read(100)).toMatchObject({ rows: null });
    expect((await read(20)).rows).toHaveLength(20);
  });

  test("a range whose compressed values are longer than a page is not measured in full", async () => {
    const user = await rowmill.newUser();
    // Random digits hardly compress.
    const digits = "(SELECT string_agg(md5(n::text || i::text), '') FROM generate_series(1, 2000) AS i)";
    const id = await storeBatch(rowmill, user, 20, "", digits);
    const batch = await getBatch(rowmill.ctx, user.userId, id);
    expect(await readShortPage(rowmill.ctx, batch, "all", { after: 1, rows: 20 }, LIMITS)).toEqual({
      rows: null,
      bytes: null,
    });
  });

  test("messages count towards the bytes of a page", async () => {
    const user = await rowmill.newUser();
    const id = await storeBatch(rowmill, user, 30, "x");
    await rowmill.ctx.pool.query(
      "UPDATE rowmill.row_results SET error_message = repeat('m', 50000) WHERE batch_id = $1 AND status = 'failed'",
      [id],
    );
    const batch = await getBatch(rowmill.ctx, user.userId, id);
    expect(await readShortPage(rowmill.ctx, batch, "all", { after: 1, rows: 30 }, LIMITS)).toMatchObject({
      rows: null,
    });
  });

  test.each(["csv", "json", "ndjson"] as const)(
    "a %s of short rows, long rows and short rows again is complete and in order",
    async (format) => {
      const user = await rowmill.newUser();
      const id = await storeBatch(
        rowmill,
        user,
        3000,
        "x",
        "CASE WHEN n BETWEEN 1000 AND 1010 THEN repeat('y', 300000) WHEN n % 100 < 10 THEN repeat('z', 5000) ELSE '' END",
      );
      const batch = await getBatch(rowmill.ctx, user.userId, id);
      let file = "";
      for await (const text of await exportResults(rowmill.ctx, batch, {
        file: "all",
        format,
        withBom: false,
      }))
        file += text;
      const numbers =
        format === "csv"
          ? [...file.matchAll(/,(\d+),(?:success|failed|unprocessed),/g)]
          : [...file.matchAll(/"_row":(\d+)/g)];
      expect(numbers.map(([, row]) => Number(row))).toEqual(
        Array.from({ length: 3000 }, (_, row) => row + 2),
      );
      expect(file.split("y".repeat(300_000))).toHaveLength(12);
    },
  );

  test("a file of short rows takes two statements per page", async () => {
    const user = await rowmill.newUser();
    const id = await storeBatch(rowmill, user, 5000, "x");
    const batch = await getBatch(rowmill.ctx, user.userId, id);
    let statements = 0;
    const db = new Proxy(rowmill.ctx.db, {
      get(target, name) {
        if (name === "execute" || name === "select") statements++;
        const value = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const ctx = { ...rowmill.ctx, db };
    for await (const _ of await exportResults(ctx, batch, { file: "all", format: "csv", withBom: false }));
    // For each page the state and the rows. Before the end, the state, an empty page, and the search for a later row.
    expect(statements).toBeLessThanOrEqual(2 * Math.ceil(5000 / 1000) + 4);
  });
});

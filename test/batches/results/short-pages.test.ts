import type pg from "pg";
import { describe, expect, test } from "vitest";
import { getBatch } from "../../../src/batches/queries.ts";
import { exportResults } from "../../../src/batches/results/export-results.ts";
import { readMeasuredPage } from "../../../src/batches/results/measured-pages.ts";
import { readRow } from "../../../src/batches/results/result-rows.ts";
import { readShortPage } from "../../../src/batches/results/short-pages.ts";
import { databaseOn } from "../../../src/platform/postgres/database.ts";
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
          expect(short.rows?.map(readRow)).toEqual(measured.items);
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
    expect(await readShortPage(rowmill.ctx, batch, "all", { after: 1, rows: 20 }, LIMITS)).toMatchObject({
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

  test("compressed cells count with their full length", async () => {
    const user = await rowmill.newUser();
    const id = await storeBatch(rowmill, user, 10, "z".repeat(30_000));
    const batch = await getBatch(rowmill.ctx, user.userId, id);
    const { bytes, rows } = await readShortPage(rowmill.ctx, batch, "all", { after: 1, rows: 10 }, LIMITS);
    expect(rows).toBeNull();
    expect(bytes).toBeGreaterThan(300_000);
    const all = { ...LIMITS, maxBytes: 2 ** 20 };
    const page = await readShortPage(rowmill.ctx, batch, "all", { after: 1, rows: 10 }, all);
    expect(page.bytes).toBe(bytes);
    expect(page.rows).toHaveLength(10);
  });

  test("a file of short rows takes one statement per page, which leaves before the page before it is written", async () => {
    const { statements, file } = await downloading(12_000);
    const pages: number[] = [];
    for await (const text of file) if (text.split("\n").length > 100) pages.push(statements.length);
    expect(pages.length).toBeGreaterThanOrEqual(4);
    for (const [index, sent] of pages.slice(0, -1).entries()) expect(sent).toBe(index + 2);
    // At the end an empty page, and the search for a later row.
    expect(statements.length).toBeLessThanOrEqual(pages.length + 2);
  });

  test("a page shows the state that the batch has when it is read", async () => {
    const { id, file } = await downloading(12_000, "queued");
    let text = "";
    for await (const part of file) {
      if (text.length < 100 && part.length > 100)
        await rowmill.ctx.pool.query(
          "UPDATE rowmill.batches SET state = 'cancelled', finished_at = now() WHERE id = $1",
          [id],
        );
      text += part;
    }
    const last = (status: string) => text.lastIndexOf(`,${status},`);
    expect(last("pending")).toBeGreaterThan(0);
    expect(last("unprocessed")).toBeGreaterThan(last("pending"));
    expect(text.match(/,pending,|,unprocessed,|,success,|,failed,/g)).toHaveLength(12_000);
  });

  test("a batch that is deleted during its download ends it with an error", async () => {
    const { id, file } = await downloading(12_000);
    await expect(async () => {
      for await (const part of file)
        if (part.length > 1000)
          await rowmill.ctx.pool.query(
            "UPDATE rowmill.batches SET state = 'deleting', finished_at = NULL WHERE id = $1",
            [id],
          );
    }).rejects.toMatchObject({ code: "not_found" });
  });
});

/** The file `all.csv` of a new batch, and the statements that PostgreSQL has got for it. */
async function downloading(rows: number, state: BatchState = "cancelled") {
  const user = await rowmill.newUser();
  const id = await storeBatch(rowmill, user, rows, "x");
  const statements: string[] = [];
  const pool = new Proxy(rowmill.ctx.pool, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (name !== "query") return typeof value === "function" ? value.bind(target) : value;
      return async (query: pg.QueryConfig, values?: unknown[]) => {
        const client = await target.connect();
        try {
          const answer = client.query(query, values);
          statements.push(query.text);
          return await answer;
        } finally {
          client.release();
        }
      };
    },
  });
  await pool.query(
    {
      text: "UPDATE rowmill.batches SET state = $2, finished_at = $3 WHERE id = $1",
    },
    [id, state, state === "cancelled" ? new Date() : null],
  );
  const ctx = { ...rowmill.ctx, db: databaseOn(pool) };
  const batch = { ...(await getBatch(rowmill.ctx, user.userId, id)), warnings: {} };
  statements.length = 0;
  const file = await exportResults(ctx, batch, { file: "all", format: "csv", withBom: false });
  return { id, statements, file };
}

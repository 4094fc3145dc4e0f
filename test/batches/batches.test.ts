import { describe, expect, test } from "vitest";
import type { BatchView } from "../../src/batches/views.ts";
import { books, HEADER, type Page, paged, uploaded, work } from "../support/batch-reads.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const rowmill = useRowmill();

describe("the list of batches", () => {
  test("the list of batches has the user's own batches, newest first, in pages", async () => {
    const user = await rowmill.newUser();
    const other = await rowmill.newUser();
    const ids: string[] = [];
    for (let index = 0; index < 7; index++) {
      ids.push(await uploaded(user, `${HEADER}Book ${index},Author,\n`));
      await uploaded(other, `${HEADER}Other ${index},Author,\n`);
    }
    const newestFirst = ids.toReversed();
    for (const limit of [1, 2, 3, 7, 8, 1000]) {
      const found = await paged<BatchView>(user, "/api/v1/batches", limit);
      expect(found.map(({ id }) => id)).toEqual(newestFirst);
    }
  });

  test("the list of batches is empty for a new user", async () => {
    const user = await rowmill.newUser();
    const { body } = await user.get("/api/v1/batches");
    expect(body).toEqual({ items: [], next_cursor: null });
  });

  test("the list shows each batch as its own route does, without header and mapping", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user, HEADER + books(3));
    const { body } = await user.get<Page<BatchView>>("/api/v1/batches");
    const { header, mapping, ...listed } = (await user.batch(id)).body;
    expect([header, Object.keys(mapping)]).toEqual([HEADER.trim().split(","), HEADER.trim().split(",")]);
    expect(body.items).toEqual([listed]);
  });

  test("the list of batches requires a login", async () => {
    expect((await rowmill.client.get("/api/v1/batches")).status).toBe(401);
  });
});

describe("a batch", () => {
  test("a waiting batch is queued and shows its known fields", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user, `Name,Writer,x,x\n${"Emma,Austen,,\n".repeat(30)}`);
    const { body } = await user.batch(id);
    expect(body).toEqual({
      id,
      target: "books",
      target_version: null,
      filename: "test.csv",
      number: expect.any(Number),
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      state: "queued",
      counts: { total: 30, pending: 30, processing: 0, success: 0, failed: 0, unprocessed: 0, undone: 0 },
      reason: null,
      waiting: null,
      records: { created: 0, updated: 0, unchanged: 0 },
      undo: null,
      header: ["Name", "Writer", "x", "x_2"],
      mapping: { title: "Name", author: "Writer" },
      dialect: {
        encoding: "utf-8",
        encoding_confidence: 1,
        bom: false,
        delimiter: ",",
        delimiter_confidence: 1,
        quote: '"',
        escape: "double",
        padded_quotes: false,
        newline: "lf",
        header: true,
        header_confidence: expect.any(Number),
        header_from: "guessed",
        header_rows: 1,
        skip_lines: 0,
        preamble_rows: 0,
      },
      warnings: {
        missing_fields: 0,
        extra_fields: 0,
        replaced_characters: 0,
        guessed_characters: 0,
        blank_rows: 0,
        repeated_headers: 0,
        other_table_rows: 0,
      },
      mode: "insert",
      policy: "partial",
      dry_run: false,
      max_errors: null,
      rows_per_second_limit: null,
      row_delay_ms: 0,
      rows_per_second: null,
      seconds_left: null,
      created_at: expect.any(String),
      queued_at: expect.any(String),
      started_at: null,
      finished_at: null,
      allowed_actions: ["pause", "cancel"],
    });
  });

  test("an ended batch shows its end, its rate and no remaining time", async () => {
    const user = await rowmill.newUser();
    const before = Date.now();
    const id = await uploaded(user, HEADER + books(300));
    const [batch] = await work(rowmill, user, id);
    const after = Date.now();
    expect(batch?.state).toBe("completed_with_errors");
    expect(batch?.counts).toEqual({
      total: 300,
      pending: 0,
      processing: 0,
      success: 270,
      failed: 30,
      unprocessed: 0,
      undone: 0,
    });
    const moments = [batch?.created_at, batch?.queued_at, batch?.started_at, batch?.finished_at].map(
      (moment) => Date.parse(String(moment)),
    );
    expect(moments).toEqual(moments.toSorted((a, b) => a - b));
    // Milliseconds are cut off, not rounded, when a moment is shown.
    expect(moments[0]).toBeGreaterThanOrEqual(before - 1);
    expect(moments[3]).toBeLessThanOrEqual(after + 1);
    const [, , started = 0, finished = 0] = moments;
    const rate = 300 / ((finished - started) / 1000);
    // Time in which no worker processed a chunk does not count.
    expect(batch?.rows_per_second).toBeGreaterThan(rate * 0.99);
    const { rows } = await rowmill.ctx.pool.query("SELECT busy_ms FROM rowmill.batches WHERE id = $1", [id]);
    const { busy_ms: busyMs } = rows[0];
    expect(batch?.rows_per_second).toBeCloseTo(300 / (Number(busyMs) / 1000), 0);
    expect(batch?.seconds_left).toBe(0);
    expect((await user.batch(id)).body).toEqual(batch);
  });

  test("time in which no worker processed the batch does not count in its rate", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user, HEADER + books(300));
    await work(rowmill, user, id);
    const before = (await user.batch(id)).body;
    await rowmill.ctx.pool.query(
      "UPDATE rowmill.batches SET started_at = statement_timestamp() - interval '1 hour' WHERE id = $1",
      [id],
    );
    const { body } = await user.batch(id);
    expect(body.rows_per_second).toBe(before.rows_per_second);
    expect(body.rows_per_second).toBeGreaterThan(1);
  });

  test("a batch whose rows all succeed is completed", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user, `${HEADER}Emma,Austen,\n`);
    const [batch] = await work(rowmill, user, id);
    expect(batch?.state).toBe("completed");
  });
});

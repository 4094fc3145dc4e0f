import { beforeAll, describe, expect, test } from "vitest";
import { rowIdOf } from "../../src/batches/ids.ts";
import type { RowView } from "../../src/batches/row-views.ts";
import { books, HEADER, paged, uploaded, work } from "../support/batch-reads.ts";
import { until } from "../support/until.ts";
import { useRowmill, useUser } from "../support/use-rowmill.ts";

const rowmill = useRowmill();

describe("a row", () => {
  test("a failed row lists every broken rule with column, code and message", async () => {
    const user = await rowmill.newUser();
    const content = `${HEADER},${"a".repeat(201)},${"d".repeat(10_001)}\nEmma,Austen,\n`;
    const id = await uploaded(user, content);
    await work(rowmill, user, id);
    const { status, body } = await user.get<RowView>(`/api/v1/batches/${id}/rows/2`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      row: 2,
      status: "failed",
      attempts: 1,
      record_id: null,
      record_key: null,
      error_code: "required",
    });
    expect(body.errors).toEqual([
      { column: "title", code: "required", message: "title is required" },
      { column: "author", code: "too_long", message: "author has 201 characters; at most 200 are allowed" },
      {
        column: "description",
        code: "too_long",
        message: "description has 10001 characters; at most 10000 are allowed",
      },
    ]);
    expect(body.error_message).toBe(body.errors.map(({ message }) => message).join("; "));
    expect(Date.parse(String(body.completed_at))).toBeGreaterThanOrEqual(Date.parse(body.created_at));
  });

  test("a successful row names its record, and a waiting one has no attempt", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user, `${HEADER}Emma,Austen,\n`);
    const waiting = await user.get<RowView>(`/api/v1/batches/${id}/rows/2`);
    expect(waiting.body).toEqual({
      row: 2,
      task_id: rowIdOf(id, 2),
      batch_id: id,
      status: "pending",
      fields: { title: "Emma", author: "Austen", description: "" },
      attempts: 0,
      job_id: expect.any(String),
      record_id: null,
      record_key: null,
      effect: null,
      error_code: null,
      error_message: null,
      errors: [],
      waiting: null,
      undo: null,
      created_at: expect.any(String),
      completed_at: null,
      history: [],
      history_truncated: false,
    });
    const job = await rowmill.ctx.pool.query("SELECT state FROM rowmill_queue.job WHERE id = $1", [
      waiting.body.job_id,
    ]);
    expect(job.rows).toEqual([{ state: "created" }]);
    await work(rowmill, user, id);
    const done = await user.get<RowView>(`/api/v1/batches/${id}/rows/2`);
    expect(done.body).toEqual({
      ...waiting.body,
      status: "success",
      attempts: 1,
      record_id: expect.any(Number),
      effect: "created",
      completed_at: expect.any(String),
    });
    const book = await user.get(`/api/v1/books/${done.body.record_id}`);
    expect(book.body).toMatchObject({ title: "Emma", author: "Austen" });
  });

  test("a row keeps its number behind blank lines", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user, `${HEADER}\n\nEmma,Austen,\n\nPersuasion,Austen,\n`);
    expect((await user.rows(id)).map(({ row }) => row)).toEqual([4, 6]);
    expect((await user.get(`/api/v1/batches/${id}/rows/6`)).body.fields).toMatchObject({
      title: "Persuasion",
    });
    expect((await user.get(`/api/v1/batches/${id}/rows/5`)).status).toBe(404);
  });
});

describe("rows by status, while some are done, some are worked on and some wait", () => {
  const COUNT = 400;
  const STATUSES = ["pending", "processing", "success", "failed"] as const;
  let batchId: string;

  const stopped = useRowmill();
  const user = useUser(stopped);
  beforeAll(async () => {
    batchId = await uploaded(user, HEADER + books(COUNT));
    const { pool } = stopped.ctx;
    const { rows: chunks } = await pool.query<{ id: string }>(
      "SELECT id FROM rowmill_queue.job WHERE name = 'batch.process-chunk' ORDER BY (data->>'firstRow')::int",
    );
    const start = (jobs: typeof chunks, at: string) =>
      pool.query("UPDATE rowmill_queue.job SET start_after = now() + $2::interval WHERE id = ANY($1)", [
        jobs.map(({ id }) => id),
        at,
      ]);
    await start(chunks.slice(1), "1 hour");
    await stopped.startWorker();
    await until("some rows have results", async () => (await user.batch(batchId)).body.counts.failed > 0);
    // The second chunk stays in its delay.
    await pool.query("UPDATE rowmill.batches SET row_delay_ms = 600000");
    await start(chunks.slice(1, 2), "0");
    await until("a chunk waits", async () => (await user.batch(batchId)).body.counts.processing > 0);
  });

  test("the counts and the rate of a running batch add up", async () => {
    const { body } = await user.batch(batchId);
    expect(body.state).toBe("processing");
    const { total, ...byStatus } = body.counts;
    expect(total).toBe(COUNT);
    expect(Object.values(byStatus).reduce((sum, count) => sum + count, 0)).toBe(COUNT);
    for (const status of STATUSES) expect(byStatus[status]).toBeGreaterThan(0);
    expect(byStatus).toMatchObject({ unprocessed: 0, undone: 0 });
    const done = body.counts.success + body.counts.failed;
    // Between two reads the clock goes on, so the rate is compared with what it was at most.
    const seconds = (Date.now() - Date.parse(String(body.started_at))) / 1000;
    expect(body.rows_per_second).toBeGreaterThanOrEqual(Math.floor((done / seconds) * 10) / 10);
    const left = (COUNT - done) / Number(body.rows_per_second);
    expect(body.seconds_left).toBeGreaterThan(left * 0.8);
    expect(body.seconds_left).toBeLessThan(left * 1.2);
    expect(body.finished_at).toBeNull();
  });

  test.each(STATUSES)(
    "rows filtered by %s match the count, once each and in source order",
    async (status) => {
      const { counts } = (await user.batch(batchId)).body;
      for (const limit of [1, 7, 1000]) {
        if (limit === 1 && counts[status] > 100) continue;
        const rows = await paged<RowView>(user, `/api/v1/batches/${batchId}/rows?status=${status}`, limit);
        expect(rows).toHaveLength(counts[status]);
        expect(rows.every((row) => row.status === status)).toBe(true);
        const numbers = rows.map(({ row }) => row);
        expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
      }
    },
  );

  test("every row has one status in the list, by filter and on its own route", async () => {
    const all = await paged<RowView>(user, `/api/v1/batches/${batchId}/rows`, 33);
    expect(all.map(({ row }) => row)).toEqual(Array.from({ length: COUNT }, (_, index) => index + 2));
    const byFilter: RowView[] = [];
    for (const status of STATUSES) byFilter.push(...(await user.rows(batchId, status)));
    expect(byFilter.toSorted((a, b) => a.row - b.row)).toEqual(all);
    for (const status of STATUSES) {
      const row = all.find((one) => one.status === status);
      expect((await user.get(`/api/v1/batches/${batchId}/rows/${row?.row}`)).body).toEqual({
        ...row,
        history: [],
        history_truncated: false,
      });
    }
  });

  test("only rows with a result have completed_at", async () => {
    const rows = await user.rows(batchId);
    for (const { status, completed_at, attempts } of rows) {
      const isDone = status === "success" || status === "failed";
      expect([completed_at !== null, attempts]).toEqual([isDone, isDone ? 1 : 0]);
    }
  });
});

import { describe, expect, test } from "vitest";
import { batchJobId, chunkJobId } from "../../../src/batches/batch-jobs.ts";
import type { RowDetail } from "../../../src/batches/row-views.ts";
import { command, deliverChunk, deliverWhole, refused, untilBatch } from "../../support/batches.ts";
import { csv } from "../../support/book-files.ts";
import type { Client } from "../../support/client.ts";
import { expectExactlyOnce } from "../../support/exactly-once.ts";
import { announcedEnds, jobsLeft } from "../../support/jobs.ts";
import { type Rowmill, startRowmill } from "../../support/rowmill.ts";
import { Stopwatch } from "../../support/stopwatch.ts";
import { addTrigger } from "../../support/triggers.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const BOOKS = "/api/v1/batches?target=books";

/** Makes the database refuse such books, until they are let in. */
const refuseBooks = ({ ctx }: Rowmill, where: string, code = "23514") =>
  addTrigger(
    ctx.pool,
    "refuse",
    "BEFORE INSERT ON rowmill.books FOR EACH ROW",
    `IF ${where} THEN RAISE EXCEPTION 'not now' USING ERRCODE = '${code}'; END IF; RETURN NEW;`,
  );

const letIn = ({ ctx }: Rowmill) => ctx.pool.query("DROP TRIGGER refuse ON rowmill.books");

const rowOf = async (user: Client, batchId: string, row: number) =>
  (await user.get<RowDetail>(`/api/v1/batches/${batchId}/rows/${row}`)).body;

const failedRows = async (user: Client, batchId: string) =>
  (await user.rows(batchId, "failed")).map(({ row }) => row);

/** For the tests that need none of their own. */
const rowmill = useRowmill();

describe("a retry", () => {
  test("retrying all failed rows runs only those and keeps their failures in the history", async () => {
    await using rowmill = await startRowmill();
    const { ctx } = rowmill;
    await refuseBooks(rowmill, "NEW.title IN ('Title 3', 'Title 30', 'Title 31')");
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload(csv(100));
    await rowmill.startWorker();
    const before = await user.finished(batch.id);
    expect(before).toMatchObject({ state: "completed_with_errors", counts: { success: 97, failed: 3 } });
    const rowsBefore = await user.rows(batch.id, "success");
    expect(await failedRows(user, batch.id)).toEqual([5, 32, 33]);
    const failure = await rowOf(user, batch.id, 5);
    await letIn(rowmill);

    const again = await command(user, batch.id, "retry");
    expect(again).toMatchObject({ reason: null, finished_at: null, counts: { success: 97, failed: 0 } });
    expect((await user.finished(batch.id)).state).toBe("completed");
    for (const row of rowsBefore) expect(await rowOf(user, batch.id, row.row)).toMatchObject(row);
    const fixed = await rowOf(user, batch.id, 5);
    expect(fixed).toMatchObject({ status: "success", attempts: 2, error_code: null, errors: [] });
    expect(fixed.history).toEqual([
      {
        event: "failed",
        at: failure.completed_at,
        retried_by: "user-1",
        attempts: 1,
        error_code: "database_23514",
        error_message: "not now",
      },
    ]);
    expect(failure.job_id).toBe(chunkJobId({ batchId: batch.id, firstRow: 2 }, 1));
    expect(fixed.job_id).toBe(chunkJobId({ batchId: batch.id, firstRow: 2 }, 2));
    expect((await rowOf(user, batch.id, 6)).job_id).toBe(failure.job_id);
    // The end is announced again.
    expect(await announcedEnds(ctx, batch.id)).toBe(2);
    await expectExactlyOnce(ctx.pool, batch.id, { good: 100, bad: 0, ends: 2 });
  });

  test("retrying some rows leaves other failures unchanged", async () => {
    await using rowmill = await startRowmill();
    await refuseBooks(rowmill, "NEW.title IN ('Title 3', 'Title 4', 'Title 40')");
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload(csv(75));
    await rowmill.startWorker();
    await user.finished(batch.id);
    await letIn(rowmill);
    const other = await rowOf(user, batch.id, 6);
    const again = await command(user, batch.id, "retry", { rows: [5, 42] });
    expect(again.counts.failed).toBe(1);
    expect(await user.finished(batch.id)).toMatchObject({
      state: "completed_with_errors",
      reason: "1 row failed.",
      counts: { success: 74, failed: 1 },
    });
    expect(await rowOf(user, batch.id, 6)).toEqual(other);
  });

  test("one row can be retried", async () => {
    await using rowmill = await startRowmill();
    await refuseBooks(rowmill, "NEW.title IN ('Title 3', 'Title 4')");
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload(csv(10));
    await deliverChunk(rowmill.ctx, batch.id);
    await letIn(rowmill);
    await command(user, batch.id, "rows/6/retry");
    await deliverChunk(rowmill.ctx, batch.id);
    expect(await failedRows(user, batch.id)).toEqual([5]);
    expect((await rowOf(user, batch.id, 6)).status).toBe("success");
  });

  test("rows that fail again keep all failures, oldest first", async () => {
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload(csv(4, 1));
    for (let round = 1; round <= 3; round++) {
      await deliverChunk(rowmill.ctx, batch.id);
      const [row = 0] = await failedRows(user, batch.id);
      const { attempts, history } = await rowOf(user, batch.id, row);
      expect([attempts, history.length]).toEqual([round, round - 1]);
      expect(history.map((event) => "attempts" in event && event.attempts)).toEqual(
        [1, 2, 3].slice(0, round - 1),
      );
      if (round < 3) await command(user, batch.id, "retry");
    }
    expect((await user.batch(batch.id)).body).toMatchObject({ state: "completed_with_errors" });
    expect(await announcedEnds(rowmill.ctx, batch.id)).toBe(3);
  });

  test("retried rows get all their automatic retries again", async () => {
    await using rowmill = await startRowmill({ ROW_MAX_RETRIES: "1" });
    await refuseBooks(rowmill, "NEW.title = 'Title 3'", "40001");
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload(csv(5));
    const attempts = async () =>
      (await user.rows(batch.id, "failed")).map((row) => [row.attempts, row.error_message]);
    await deliverChunk(rowmill.ctx, batch.id);
    expect(await attempts()).toEqual([]);
    await deliverChunk(rowmill.ctx, batch.id);
    expect(await attempts()).toEqual([[2, "Gave up after 2 attempts: not now"]]);
    await command(user, batch.id, "retry");
    await deliverChunk(rowmill.ctx, batch.id);
    expect(await attempts()).toEqual([]);
    await deliverChunk(rowmill.ctx, batch.id);
    expect(await attempts()).toEqual([[4, "Gave up after 2 attempts: not now"]]);
  });

  test("an invalid retry answers 400, names the field and changes nothing", async () => {
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload("title,author\n,Nobody\nEmma,Austen\n");
    await deliverChunk(rowmill.ctx, batch.id);
    const before = (await user.batch(batch.id)).body;
    const cases: [body: object, field: string, message: string | null][] = [
      [{ rows: [3] }, "rows", "Row 3 has not failed, so it cannot be retried."],
      [{ rows: [2, 999] }, "rows", "Row 999 has not failed, so it cannot be retried."],
      [{ rows: [] }, "rows", null],
      [{ rows: [0] }, "rows.0", null],
      [{ rows: [2, 2] }, "rows", null],
      [{ rows: "all" }, "rows.0", null],
      [{ unprocessed: "perhaps" }, "unprocessed", null],
    ];
    for (const [body, field, message] of cases) {
      const answer = await refused(user, batch.id, "retry", body);
      expect([body, answer.status, Object.keys(answer.body.field_errors)]).toEqual([body, 400, [field]]);
      if (message) expect(answer.body.field_errors[field]).toEqual([message]);
    }
    expect((await user.batch(batch.id)).body).toEqual(before);
    expect((await rowOf(user, batch.id, 2)).history).toEqual([]);
  });

  test("retrying an unknown row answers 404, and a successful one 400", async () => {
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload("title,author\n,Nobody\nEmma,Austen\n");
    await deliverChunk(rowmill.ctx, batch.id);
    const statuses: number[] = [];
    for (const row of [4, 3, 2]) statuses.push((await refused(user, batch.id, `rows/${row}/retry`)).status);
    expect(statuses).toEqual([404, 400, 202]);
    expect((await user.batch(batch.id)).body.counts).toMatchObject({ pending: 1, failed: 0 });
  });

  test("retrying a batch without failed rows answers 409", async () => {
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload(csv(3), `${BOOKS}&dry_run=true`);
    await deliverWhole(rowmill.ctx, batch.id);
    const { status, body } = await refused(user, batch.id, "retry");
    expect([status, body.detail]).toEqual([
      409,
      "No row of this batch has failed, so there is nothing to retry.",
    ]);
  });

  test("of two concurrent retries one runs the rows and the other is refused", async () => {
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload(csv(15, 5));
    await deliverChunk(rowmill.ctx, batch.id);
    const answers = await Promise.all([1, 2, 3].map(() => refused(user, batch.id, "retry")));
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 409, 409]);
    await deliverChunk(rowmill.ctx, batch.id);
    for (const row of await user.rows(batch.id, "failed"))
      expect((await rowOf(user, batch.id, row.row)).history).toHaveLength(1);
  });

  test("retrying 4,000 failures among 10,000 rows is fast and exact", async () => {
    await using rowmill = await startRowmill();
    const user = await rowmill.newUser();
    await rowmill.startWorker();
    const file = csv(6000, 4000);
    const { body: batch } = await user.upload(file);
    const before = await user.finished(batch.id);
    expect(before.counts).toMatchObject({ success: 6000, failed: 4000 });
    const rows = await failedRows(user, batch.id);
    await rowmill.ctx.pool.query(
      `UPDATE rowmill.batch_rows SET fields = found.fields FROM unnest($2::int[], $3::json[]) AS found ("row", fields)
      WHERE batch_id = $1 AND row_number = found."row"`,
      [batch.id, rows, rows.map((row) => JSON.stringify([`Found ${row}`, "Author", ""]))],
    );
    using watch = new Stopwatch();
    await command(user, batch.id, "retry");
    expect(watch.ms).toBeLessThan(8000);
    expect((await user.finished(batch.id)).counts).toMatchObject({ success: 10_000, failed: 0 });
    expect(watch.ms).toBeLessThan(40_000);
    const triedTwice = (await user.rows(batch.id)).filter(({ attempts }) => attempts === 2);
    expect(triedTwice.map(({ row }) => row)).toEqual(rows);
    const { rows: history } = await rowmill.ctx.pool.query(
      "SELECT count(*)::int AS events, count(DISTINCT row_number)::int AS rows FROM rowmill.row_history WHERE batch_id = $1",
      [batch.id],
    );
    expect(history).toEqual([{ events: 4000, rows: 4000 }]);
    await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 10_000, bad: 0, ends: 2 });
  });
});

describe("rows that were left when a batch ended", () => {
  test("unprocessed rows are retried only on request", async () => {
    await using rowmill = await startRowmill();
    const { ctx } = rowmill;
    await refuseBooks(rowmill, "NEW.title = 'Title 3'");
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload(csv(100));
    await deliverChunk(ctx, batch.id);
    await command(user, batch.id, "cancel");
    await letIn(rowmill);
    const { status, body } = await refused(user, batch.id, "retry");
    expect([status, body.detail]).toEqual([
      409,
      "A retry would also process the unprocessed rows (75). To allow this, send `unprocessed: true`.",
    ]);
    expect(await failedRows(user, batch.id)).toEqual([5]);
    const again = await command(user, batch.id, "retry", { unprocessed: true });
    expect(again.counts).toMatchObject({ pending: 76, success: 24, failed: 0, unprocessed: 0 });
    await rowmill.startWorker();
    expect((await user.finished(batch.id)).state).toBe("completed");
    await expectExactlyOnce(ctx.pool, batch.id, { good: 100, bad: 0, ends: 2 });
  });

  test("unprocessed rows of a batch ended by max_errors can be retried", async () => {
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload(csv(90, 10), `${BOOKS}&max_errors=2`);
    await deliverChunk(rowmill.ctx, batch.id);
    const failed = (await user.batch(batch.id)).body;
    expect(failed).toMatchObject({ state: "failed", counts: { failed: 2, success: 23, unprocessed: 75 } });
    expect((await refused(user, batch.id, "retry")).status).toBe(409);
    const again = await command(user, batch.id, "retry", { unprocessed: true });
    expect(again).toMatchObject({ state: "queued", counts: { pending: 77, success: 23, failed: 0 } });
  });

  test("unprocessed rows can be retried right after a cancel while a worker holds them", async () => {
    await using rowmill = await startRowmill();
    await rowmill.startWorker();
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload(csv(3000));
    await untilBatch(user, batch.id, "is being processed", ({ state }) => state === "processing");
    await command(user, batch.id, "cancel");
    await command(user, batch.id, "retry", { unprocessed: true });
    expect((await user.finished(batch.id)).state).toBe("completed");
    await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 3000, bad: 0, ends: 2 });
  });
});

describe("of an atomic batch", () => {
  test("retrying a failed atomic batch runs all rows again and keeps every failure", async () => {
    await using rowmill = await startRowmill();
    const { ctx } = rowmill;
    await refuseBooks(rowmill, "NEW.title IN ('Title 3', 'Title 40')");
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload(csv(75), `${BOOKS}&policy=atomic`);
    await deliverWhole(ctx, batch.id);
    expect((await user.batch(batch.id)).body).toMatchObject({
      state: "failed",
      counts: { failed: 2, unprocessed: 73 },
    });
    await letIn(rowmill);
    const again = await command(user, batch.id, "retry", { rows: [5] });
    expect(again.counts).toMatchObject({ pending: 75, failed: 0 });
    await deliverWhole(ctx, batch.id);
    expect((await user.batch(batch.id)).body).toMatchObject({ state: "completed", counts: { success: 75 } });
    for (const row of [5, 42]) {
      const { history, attempts, job_id } = await rowOf(user, batch.id, row);
      expect(history).toMatchObject([{ event: "failed", attempts: 1, error_message: "not now" }]);
      expect([attempts, job_id]).toEqual([2, batchJobId("whole", batch.id, 2)]);
    }
  });

  test("retrying a cancelled atomic batch requires `unprocessed: true`", async () => {
    await using rowmill = await startRowmill();
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload(csv(30), `${BOOKS}&policy=atomic`);
    await command(user, batch.id, "cancel");
    const { status, body } = await refused(user, batch.id, "retry");
    expect([status, body.detail]).toEqual([
      409,
      "A retry would also process the unprocessed rows (30). To allow this, send `unprocessed: true`.",
    ]);
    await command(user, batch.id, "retry", { unprocessed: true });
    await deliverWhole(rowmill.ctx, batch.id);
    expect((await user.batch(batch.id)).body).toMatchObject({ state: "completed", counts: { success: 30 } });
    expect(await jobsLeft(rowmill.ctx)).toBe(0);
  });
});

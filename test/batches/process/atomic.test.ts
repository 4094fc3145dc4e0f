import { expect, test } from "vitest";
import { reconcile } from "../../../src/batches/upkeep/reconcile.ts";
import { counts } from "../../support/batches.ts";
import { titled } from "../../support/book-files.ts";
import type { Client, Problem } from "../../support/client.ts";
import { count } from "../../support/count.ts";
import { closeGate, startWithGate } from "../../support/gate.ts";
import { until } from "../../support/until.ts";
import { uploadForm } from "../../support/upload-form.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const rowmill = useRowmill({ settings: { ROW_MAX_RETRIES: "1" }, worker: true, gate: true });

const uploadAtomic = async (user: Client, content: string, query: Record<string, string> = {}) =>
  (await uploadForm(user, content, { query: { policy: "atomic", ...query } })).body;

const booksOf = ({ userId }: Client) =>
  count(rowmill.ctx.pool, "SELECT count(*) FROM rowmill.books WHERE user_id = $1", [userId]);

const act = (user: Client, id: string, action: string, body?: object) =>
  user.post<Problem>(`/api/v1/batches/${id}/${action}`, body);

const NO_RECORDS = { created: 0, updated: 0, unchanged: 0 };

/** Checks that the counts of a batch match its rows. */
async function expectCountsOfRows(user: Client, id: string): Promise<void> {
  const { body } = await user.batch(id);
  const rows = await user.rows(id);
  for (const [status, number] of Object.entries(body.counts)) {
    if (status === "total") expect(rows).toHaveLength(number);
    else expect([status, rows.filter((row) => row.status === status).length]).toEqual([status, number]);
    if (status !== "total") expect([status, (await user.rows(id, status)).length]).toEqual([status, number]);
  }
}

test("an atomic batch of valid rows creates all records", async () => {
  const user = await rowmill.newUser();
  const { id } = await uploadAtomic(user, titled(110));
  const batch = await user.finished(id);
  expect(batch).toMatchObject({ state: "completed", reason: null, records: { ...NO_RECORDS, created: 110 } });
  expect(batch.counts).toEqual(counts({ total: 110, success: 110 }));
  expect(await booksOf(user)).toBe(110);
  await expectCountsOfRows(user, id);
});

test.for<[string, string, string]>([
  ["breaks a rule", "", "required"],
  ["is refused by the database alone", "poison", "database_23514"],
  ["would succeed later, but never does", "busy", "database_busy"],
])("an atomic batch creates no record if one row of its last chunk %s", async ([_, title, code]) => {
  const user = await rowmill.newUser();
  const { id } = await uploadAtomic(user, titled(510, { 511: title }));
  const batch = await user.finished(id);
  expect(batch).toMatchObject({ state: "failed", records: NO_RECORDS });
  expect(batch.reason).toBe("1 of 510 rows failed, so no record was written: the policy is atomic.");
  expect(batch.counts).toEqual(counts({ total: 510, failed: 1, unprocessed: 509 }));
  expect(await booksOf(user)).toBe(0);
  const [row] = await user.rows(id, "failed");
  expect(row).toMatchObject({ row: 511, error_code: code, record_id: null });
  expect(row?.error_message).not.toBe("");
  await expectCountsOfRows(user, id);
});

test("an atomic batch with a repeated key creates no record", async () => {
  const user = await rowmill.newUser();
  const file = `${titled(300)}Title 2,Author 2\n`;
  const { id } = await uploadAtomic(user, file);
  expect((await user.finished(id)).state).toBe("failed");
  expect(await user.rows(id, "failed")).toMatchObject([{ row: 302, error_code: "duplicate" }]);
  expect(await booksOf(user)).toBe(0);
});

test("a failed atomic batch updates no record", async () => {
  const user = await rowmill.newUser();
  const { body: first } = await user.upload("title,author,description\nEmma,Austen,old\n");
  await user.finished(first.id);
  const file = "title,author,description\nEmma,Austen,new\n,Nobody,\n";
  const { id } = await uploadAtomic(user, file, { mode: "upsert" });
  expect(await user.finished(id)).toMatchObject({ state: "failed", records: NO_RECORDS });
  const { body } = await user.get<{ items: object[] }>("/api/v1/books");
  expect(body.items).toMatchObject([{ title: "Emma", description: "old" }]);
});

test("an atomic batch creates all records after its row is corrected and retried", async () => {
  const user = await rowmill.newUser();
  const { id } = await uploadAtomic(user, titled(60, { 3: "poison", 61: "" }));
  expect(await user.finished(id)).toMatchObject({ state: "failed" });
  for (const row of [3, 61]) {
    const { status } = await user.send("PATCH", `/api/v1/batches/${id}/rows/${row}`, {
      body: JSON.stringify({ fields: { title: `Corrected ${row}` } }),
      headers: { "content-type": "application/json" },
    });
    expect(status).toBe(200);
  }
  expect((await act(user, id, "retry")).status).toBe(202);
  expect(await user.finished(id)).toMatchObject({
    state: "completed",
    reason: null,
    counts: counts({ total: 60, success: 60 }),
  });
  expect(await booksOf(user)).toBe(60);
  await expectCountsOfRows(user, id);
});

test("a running atomic batch shows its progress and no record", async () => {
  const user = await rowmill.newUser();
  await using gate = await closeGate(rowmill.ctx);
  const { id } = await uploadAtomic(user, titled(100, { 5: "", 60: "gate" }));
  const seen = await until("two chunks are done", async () => {
    const { body } = await user.batch(id);
    return body.counts.failed === 1 && body.counts.processing === 49 ? body : null;
  });
  expect(seen).toMatchObject({ state: "processing", records: NO_RECORDS });
  expect(seen.counts).toEqual(counts({ total: 100, failed: 1, processing: 49, pending: 50 }));
  expect(seen.rows_per_second).toBeGreaterThan(0);
  await expectCountsOfRows(user, id);
  expect(await booksOf(user)).toBe(0);
  await gate.open();
  expect((await user.finished(id)).counts).toEqual(counts({ total: 100, failed: 1, unprocessed: 99 }));
  expect(await booksOf(user)).toBe(0);
});

test("a paused atomic batch keeps no record and writes each once after resuming", async () => {
  const user = await rowmill.newUser();
  await using gate = await closeGate(rowmill.ctx);
  const { id } = await uploadAtomic(user, titled(100, { 60: "gate" }));
  await until("it is in the middle", async () => (await user.batch(id)).body.counts.processing === 50);
  expect((await act(user, id, "pause")).status).toBe(200);
  const paused = (await user.batch(id)).body;
  expect([paused.state, paused.counts]).toEqual(["paused", counts({ total: 100, pending: 100 })]);
  await expectCountsOfRows(user, id);
  await gate.open();
  expect((await act(user, id, "resume")).status).toBe(200);
  expect((await user.finished(id)).counts).toEqual(counts({ total: 100, success: 100 }));
  expect(await booksOf(user)).toBe(100);
});

test("a cancelled atomic batch keeps no record and can be retried", async () => {
  const user = await rowmill.newUser();
  await using gate = await closeGate(rowmill.ctx);
  const { id } = await uploadAtomic(user, titled(100, { 60: "gate" }));
  await until("it is in the middle", async () => (await user.batch(id)).body.counts.processing === 50);
  expect((await act(user, id, "cancel")).status).toBe(200);
  await gate.open();
  const cancelled = (await user.batch(id)).body;
  expect(cancelled).toMatchObject({ state: "cancelled", records: NO_RECORDS });
  expect(cancelled.counts).toEqual(counts({ total: 100, unprocessed: 100 }));
  await expectCountsOfRows(user, id);
  const working =
    "SELECT count(*) FROM rowmill_queue.job WHERE name = 'batch.process-whole' AND state = 'active' AND group_id = $1";
  await until(
    "the worker has let go of it",
    async () => (await count(rowmill.ctx.pool, working, [String(user.userId)])) === 0,
  );
  expect(await booksOf(user)).toBe(0);

  expect((await act(user, id, "retry")).body.detail).toContain("unprocessed: true");
  expect((await act(user, id, "retry", { unprocessed: true })).status).toBe(202);
  expect((await user.finished(id)).counts).toEqual(counts({ total: 100, success: 100 }));
  expect(await booksOf(user)).toBe(100);
});

test("an atomic batch fails without a record after its last delivery and can be retried", async () => {
  await using own = await startWithGate();
  const { pool } = own.ctx;
  const user = await own.newUser();
  const { id } = await uploadAtomic(user, titled(50));
  // As a worker leaves it that died behind the first chunk.
  await pool.query("UPDATE rowmill.batches SET state = 'processing', started_at = now() WHERE id = $1", [id]);
  await pool.query(
    "UPDATE rowmill.chunks SET state = 'done', succeeded = 25, created = 25 WHERE batch_id = $1 AND first_row = 2",
    [id],
  );
  await pool.query("UPDATE rowmill_queue.job SET state = 'failed' WHERE name = 'batch.process-whole'");
  expect(await reconcile(own.ctx)).toMatchObject({ batchesRequeued: 1 });
  const { body: failed } = await user.batch(id);
  expect(failed).toMatchObject({ state: "failed", records: NO_RECORDS });
  expect(failed.reason).toMatch(/^Every attempt to process this batch failed, .* No record was written\.$/);
  expect(failed.counts).toEqual(counts({ total: 50, unprocessed: 50 }));
  expect((await act(user, id, "retry")).status).toBe(202);
  await own.startWorker();
  expect((await user.finished(id)).counts).toEqual(counts({ total: 50, success: 50 }));
});

test("one whose job is lost is brought back", async () => {
  await using own = await startWithGate();
  const user = await own.newUser();
  const { id } = await uploadAtomic(user, titled(50));
  await own.ctx.pool.query("DELETE FROM rowmill_queue.job WHERE name = 'batch.process-whole'");
  expect(await reconcile(own.ctx)).toMatchObject({ batchesRequeued: 1 });
  expect(await reconcile(own.ctx)).toMatchObject({ batchesRequeued: 0 });
  await own.startWorker();
  expect((await user.finished(id)).state).toBe("completed");
});

import { expect, test } from "vitest";
import { counts } from "../../support/batches.ts";
import { csv, titled } from "../../support/book-files.ts";
import type { Client, Problem } from "../../support/client.ts";
import { count } from "../../support/count.ts";
import { expectExactlyOnce } from "../../support/exactly-once.ts";
import { closeGate, startWithGate } from "../../support/gate.ts";
import { startPrograms } from "../../support/processes.ts";
import { until } from "../../support/until.ts";
import { uploadForm } from "../../support/upload-form.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const rowmill = useRowmill({ worker: true, gate: true });

const dryRun = async (user: Client, content: string, query: Record<string, string> = {}) =>
  (await uploadForm(user, content, { query: { dry_run: "true", ...query } })).body;

const act = <T = Problem>(user: Client, id: string, action: string, body?: object) =>
  user.post<T>(`/api/v1/batches/${id}/${action}`, body);

const booksOf = async (user: Client) =>
  (await user.get<{ items: { title: string; description: string }[] }>("/api/v1/books")).body.items.map(
    ({ title, description }) => [title, description],
  );

test("a dry run writes no record and predicts the outcome of each row", async () => {
  const user = await rowmill.newUser();
  const file = titled(100, { 3: "", 40: "poison", 101: "x".repeat(501) });
  const { id, state, dry_run } = await dryRun(user, file);
  expect([state, dry_run]).toEqual(["queued", true]);
  const batch = await user.finished(id);
  expect(batch).toMatchObject({
    state: "validated",
    dry_run: true,
    reason: "3 of 100 rows would fail.",
    records: { created: 97, updated: 0, unchanged: 0 },
  });
  expect(batch.finished_at).not.toBeNull();
  expect(batch.counts).toEqual(counts({ total: 100, pending: 97, failed: 3 }));
  expect(
    (await user.rows(id, "failed")).map(({ row, errors }) => [row, errors[0]?.column, errors[0]?.code]),
  ).toEqual([
    [3, "title", "required"],
    [40, null, "database_23514"],
    [101, "title", "too_long"],
  ]);
  expect(await user.rows(id, "pending")).toHaveLength(97);
  expect(await booksOf(user)).toEqual([]);
});

test("a dry run lists every broken rule with its column", async () => {
  const user = await rowmill.newUser();
  const { id } = await dryRun(user, `title,author\n,${"x".repeat(201)}\n`);
  await user.finished(id);
  const [row] = await user.rows(id, "failed");
  expect(row?.errors.map(({ column, code }) => [column, code])).toEqual([
    ["title", "required"],
    ["author", "too_long"],
  ]);
});

test("a dry run without failures has no reason", async () => {
  const user = await rowmill.newUser();
  const { id } = await dryRun(user, titled(3));
  expect(await user.finished(id)).toMatchObject({
    state: "validated",
    reason: null,
    counts: counts({ total: 3, pending: 3 }),
  });
});

test("a dry run finds a repeated key in distant chunks", async () => {
  const user = await rowmill.newUser();
  const { id } = await dryRun(user, `${titled(300)}title 2,AUTHOR 2\n`);
  expect(await user.finished(id)).toMatchObject({ records: { created: 300 } });
  expect(await user.rows(id, "failed")).toMatchObject([{ row: 302, error_code: "duplicate" }]);
});

test("a dry run in upsert mode predicts creations, updates and unchanged rows", async () => {
  const user = await rowmill.newUser();
  const { body: first } = await user.upload("title,author,description\nEmma,Austen,old\nUlysses,Joyce,day\n");
  await user.finished(first.id);
  const file =
    "title,author,description\nEmma,Austen,new\nULYSSES,Joyce,day\nUlysses,Joyce,day\nPersuasion,Austen,\n";
  const { id } = await dryRun(user, file, { mode: "upsert" });
  const dry = await user.finished(id);
  expect(await booksOf(user)).toEqual([
    ["Emma", "old"],
    ["Ulysses", "day"],
  ]);
  expect((await act(user, id, "commit")).status).toBe(200);
  const real = await user.finished(id);
  expect(real).toMatchObject({ state: "completed", dry_run: false });
  expect(real.records).toEqual(dry.records);
  expect(real.records.created).toBe(1);
  expect(await booksOf(user)).toEqual([
    ["Emma", "new"],
    ["Ulysses", "day"],
    ["Persuasion", ""],
  ]);
});

test("a committed dry run ends like an ordinary upload", async () => {
  const user = await rowmill.newUser();
  const { id } = await dryRun(user, csv(95, 5));
  const dry = await user.finished(id);
  expect(dry.counts).toEqual(counts({ total: 100, pending: 95, failed: 5 }));
  await rowmill.ctx.pool.query(
    "DELETE FROM rowmill.notifications WHERE kind = 'batch.finished' AND subject_id = $1",
    [id],
  );
  expect((await act(user, id, "commit")).status).toBe(200);
  const batch = await user.finished(id);
  expect(batch.counts).toEqual(counts({ total: 100, success: 95, failed: 5 }));
  expect(batch).toMatchObject({ records: dry.records, reason: "5 rows failed." });
  await expectExactlyOnce(rowmill.ctx.pool, id, { good: 95, bad: 5 });
});

test("committing a dry run twice commits it once", async () => {
  const user = await rowmill.newUser();
  const { id } = await dryRun(user, titled(60));
  await user.finished(id);
  const answers = await Promise.all([1, 2, 3].map(() => act(user, id, "commit")));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  await user.finished(id);
  const late = await act<{ state: string }>(user, id, "commit");
  expect([late.status, late.body.state]).toEqual([200, "completed"]);
  expect(await booksOf(user)).toHaveLength(60);
  expect((await user.batch(id)).body.counts).toEqual(counts({ total: 60, success: 60 }));
});

test("a committed atomic dry run writes all or nothing", async () => {
  const user = await rowmill.newUser();
  const { id } = await dryRun(user, titled(60, { 61: "poison" }), { policy: "atomic" });
  expect(await user.finished(id)).toMatchObject({ state: "validated", records: { created: 59 } });
  expect((await act(user, id, "commit")).status).toBe(200);
  expect(await user.finished(id)).toMatchObject({
    state: "failed",
    counts: counts({ total: 60, failed: 1, unprocessed: 59 }),
  });
  expect(await booksOf(user)).toEqual([]);
});

test("only a finished dry run can be committed", async () => {
  const user = await rowmill.newUser();
  const { body: real } = await user.upload(titled(3));
  await user.finished(real.id);
  const refused = await act(user, real.id, "commit");
  expect([refused.status, refused.body.detail]).toEqual([409, expect.stringContaining("not a dry run")]);
  await using gate = await closeGate(rowmill.ctx);
  const { id } = await dryRun(user, titled(3, { 3: "gate" }));
  const early = await act(user, id, "commit");
  expect([early.status, early.body.detail]).toEqual([
    409,
    expect.stringContaining("Only a validated batch can."),
  ]);
  await gate.open();
  const other = await rowmill.newUser();
  expect((await act(other, id, "commit")).status).toBe(404);
  await user.finished(id);
});

test("rows of a dry run can be corrected and checked again before the commit", async () => {
  const user = await rowmill.newUser();
  const { id } = await dryRun(user, titled(30, { 4: "", 31: "poison" }));
  await user.finished(id);
  const edit = (row: number) =>
    user.send("PATCH", `/api/v1/batches/${id}/rows/${row}`, {
      body: JSON.stringify({ fields: { title: `Corrected ${row}` } }),
      headers: { "content-type": "application/json" },
    });
  expect((await edit(4)).status).toBe(200);
  expect((await act(user, id, "retry")).status).toBe(202);
  const again = await user.finished(id);
  expect(again).toMatchObject({ state: "validated", reason: "1 of 30 rows would fail." });
  expect((await user.rows(id, "failed")).map(({ row }) => row)).toEqual([31]);
  expect((await edit(31)).status).toBe(200);
  expect((await act(user, id, "commit")).status).toBe(200);
  expect(await user.finished(id)).toMatchObject({
    state: "completed",
    counts: counts({ total: 30, success: 30 }),
  });
  expect(await booksOf(user)).toContainEqual(["Corrected 31", ""]);
});

test("a cancelled dry run leaves its rows unprocessed", async () => {
  const user = await rowmill.newUser();
  const { id } = await dryRun(user, titled(30, { 4: "" }));
  await user.finished(id);
  expect((await act(user, id, "cancel")).status).toBe(200);
  const { body } = await user.batch(id);
  expect(body).toMatchObject({ state: "cancelled", records: { created: 0, updated: 0, unchanged: 0 } });
  expect(body.counts).toEqual(counts({ total: 30, failed: 1, unprocessed: 29 }));
  expect((await act(user, id, "commit")).status).toBe(409);
  expect(await booksOf(user)).toEqual([]);
});

test("a running dry run shows passed rows as processing and no record", async () => {
  const user = await rowmill.newUser();
  await using gate = await closeGate(rowmill.ctx);
  const { id } = await dryRun(user, titled(100, { 5: "", 60: "gate" }));
  const seen = await until("two chunks are checked", async () => {
    const { body } = await user.batch(id);
    return body.counts.processing === 49 ? body : null;
  });
  expect(seen.counts).toEqual(counts({ total: 100, failed: 1, processing: 49, pending: 50 }));
  expect(await booksOf(user)).toEqual([]);
  await gate.open();
  expect((await user.finished(id)).counts).toEqual(counts({ total: 100, failed: 1, pending: 99 }));
});

test("a worker killed during a dry run leaves nothing, and another finishes it", async () => {
  await using own = await startWithGate();
  const user = await own.newUser();
  await using programs = await startPrograms({}, own.config.databaseUrl);
  const killed = await programs.startWorker();
  await using gate = await closeGate(own.ctx);
  const { id } = await dryRun(user, titled(100, { 5: "", 60: "gate" }));
  await until("it is in the middle", async () => (await user.batch(id)).body.counts.failed === 1);
  await killed.kill();
  await gate.open();
  await programs.startWorker();
  const batch = await user.finished(id);
  expect(batch).toMatchObject({ state: "validated", records: { created: 99 } });
  expect(batch.counts).toEqual(counts({ total: 100, failed: 1, pending: 99 }));
  expect(await count(own.ctx.pool, "SELECT count(*) FROM rowmill.books")).toBe(0);
  expect((await act(user, id, "commit")).status).toBe(200);
  expect((await user.finished(id)).counts).toEqual(counts({ total: 100, failed: 1, success: 99 }));
});

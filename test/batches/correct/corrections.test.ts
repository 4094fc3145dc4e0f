import { expect, test } from "vitest";
import type { RowView } from "../../../src/batches/row-views.ts";
import { reconcile } from "../../../src/batches/upkeep/reconcile.ts";
import type { BatchView } from "../../../src/batches/views.ts";
import type { Client, Problem } from "../../support/client.ts";
import { count, countWaiting } from "../../support/count.ts";
import { until } from "../../support/until.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

interface Corrected {
  corrected: number;
  ignored: number;
  retried: number;
  batch: BatchView;
}

const rowmill = useRowmill({ worker: true });

/** Rows 2 and 5 succeed; 3 lacks a title, 4 has a field too many. */
const FILE = "Title,Writer,Note\nEmma,Austen,a\n,Shelley,b\nMiddle,march,Eliot,c\nUlysses,Joyce,d\n";

async function finished(file = FILE, query = "target=books"): Promise<{ user: Client; id: string }> {
  const user = await rowmill.newUser();
  const { body } = await user.upload(file, `/api/v1/batches?${query}`);
  await user.finished(body.id);
  return { user, id: body.id };
}

const correct = <T = Corrected>(user: Client, id: string, file: string, query = "") =>
  user.upload<T>(file, `/api/v1/batches/${id}/corrections${query}`, "failed.csv");

const rowOf = async (user: Client, id: string, row: number) =>
  (await user.get<RowView & { history: object[] }>(`/api/v1/batches/${id}/rows/${row}`)).body;

test("corrected rows of a results file are matched by _row and retried", async () => {
  const { user, id } = await finished();
  const { status, body } = await correct(
    user,
    id,
    "Title,Writer,Note,_row,_status,_error_code,_error,_id\n" +
      "Frankenstein,Shelley,b,3,failed,required,title is required,\nMiddlemarch,Eliot,c,4,failed,malformed,too many,\n",
  );
  expect(status).toBe(202);
  expect(body).toMatchObject({ corrected: 2, ignored: 0, retried: 2, batch: { id } });
  const batch = await user.finished(id);
  expect(batch).toMatchObject({ state: "completed", counts: { total: 4, success: 4, failed: 0 } });
  const row = await rowOf(user, id, 3);
  expect(row).toMatchObject({
    status: "success",
    fields: { Title: "Frankenstein", Writer: "Shelley", Note: "b" },
  });
  expect(row.history).toMatchObject([
    { event: "edited", fields: { Title: "", Writer: "Shelley", Note: "b" } },
    { event: "failed", error_code: "required", attempts: 1 },
  ]);
  const books = await user.get<{ items: { title: string }[] }>("/api/v1/books");
  expect(books.body.items.map(({ title }) => title).sort()).toEqual([
    "Emma",
    "Frankenstein",
    "Middlemarch",
    "Ulysses",
  ]);
});

test("corrections may be in any order and omit columns, and successful rows are ignored", async () => {
  const { user, id } = await finished();
  const { body } = await correct(
    user,
    id,
    "_row;Title;Writer\n4;Middlemarch;Eliot\n2;Changed;Nobody\n3;Frankenstein;Shelley\n",
  );
  expect(body).toMatchObject({ corrected: 2, ignored: 1, retried: 2 });
  await user.finished(id);
  expect((await rowOf(user, id, 3)).fields).toEqual({ Title: "Frankenstein", Writer: "Shelley", Note: "b" });
  expect((await rowOf(user, id, 2)).fields).toMatchObject({ Title: "Emma" });
});

test("a correction that names only rows that have succeeded says so", async () => {
  const { user, id } = await finished();
  const { status, body } = await correct<Problem>(user, id, "_row;Title\n2;Changed\n");
  expect([status, body.detail]).toEqual([
    409,
    "None of these rows has failed, so there is nothing to retry.",
  ]);
});

test("corrections lose the marks that protect spreadsheets", async () => {
  const { user, id } = await finished();
  await correct(user, id, "Title,_row\n'=SUM(1),3\n");
  await user.finished(id);
  expect((await rowOf(user, id, 3)).fields).toMatchObject({ Title: "=SUM(1)" });
});

test("corrections run unprocessed rows only on request", async () => {
  const { user, id } = await finished(
    // More chunks than places, so that some are left.
    `title,author\n,x\n${Array.from({ length: 399 }, (_, n) => `T${n},A${n}`).join("\n")}\n`,
    "max_errors=1&row_delay_ms=100",
  );
  expect((await user.batch(id)).body.state).toBe("failed");
  const file = "title,_row\nMended,2\n";
  const refused = await correct<Problem>(user, id, file);
  expect(refused.status).toBe(409);
  expect(refused.body.detail).toContain("unprocessed: true");
  expect((await rowOf(user, id, 2)).fields).toMatchObject({ title: "" });
  expect((await correct(user, id, file, "?unprocessed=true")).status).toBe(202);
  expect(await user.finished(id)).toMatchObject({ state: "completed", counts: { success: 400 } });
});

test.each([
  ["Title\nEmma\n", /no column `_row`/],
  ["Titel,_row\nEmma,3\n", /no column "Titel". Its columns: Title, Writer, Note/],
  ["Title,_row\nEmma,99\n", /The batch has no row 99 /],
  ["Title,_row\nEmma,1\n", /The batch has no row 1 /],
  ["Title,_row\nEmma,three\n", /`_row` is "three"/],
  ["Title,_row\nEmma,\n", /`_row` is ""/],
  ["Title,_row\nEmma,3\nEmil,3\n", /Row 3 occurs twice/],
  ["", /empty/],
])("the corrections %j are refused and change nothing", async (file, reason) => {
  const { user, id } = await finished();
  const before = await user.rows(id);
  const { status, body } = await correct<Problem>(user, id, file);
  expect(status).toBe(400);
  expect(body.field_errors.file?.join()).toMatch(reason);
  expect(await user.rows(id)).toEqual(before);
  expect(
    await count(rowmill.ctx.pool, "SELECT count(*) FROM rowmill.batches WHERE correction_of IS NOT NULL"),
  ).toBe(0);
});

test("corrections of another user's batch, or of one that cannot be retried, are refused", async () => {
  const { user, id } = await finished();
  const other = await rowmill.newUser();
  const file = "Title,_row\nFrankenstein,3\n";
  expect((await correct(other, id, file)).status).toBe(404);
  await user.post(`/api/v1/batches/${id}/undo`);
  expect((await correct(user, id, file)).status).toBe(409);
  const good = await finished("title,author\nEmma,Austen\n");
  const { status } = await correct(good.user, good.id, "title,_row\nEmma,2\n");
  expect(status).toBe(409);
});

test("a correction whose rows the reconciler removes while they are applied is refused, and changes nothing", async () => {
  const { ctx } = rowmill;
  const { user, id } = await finished();
  const before = await user.rows(id);
  const holder = await ctx.pool.connect();
  await holder.query("BEGIN; LOCK TABLE rowmill.row_history IN EXCLUSIVE MODE");
  const answer = correct<Problem>(user, id, "Title,Writer,_row\nFrankenstein,Shelley,3\n");
  await until("the old cells wait to be stored", async () => {
    return (await countWaiting(ctx.pool, "relation = 'rowmill.row_history'::regclass")) > 0;
  });
  const removed = reconcile({ ...ctx, now: () => new Date(Date.now() + 600_000) });
  const isStaged =
    "SELECT count(*) FROM rowmill.batches WHERE correction_of IS NOT NULL AND state = 'receiving'";
  await until("the reconciler has started", async () => (await count(ctx.pool, isStaged)) === 0);
  await holder.query("COMMIT");
  holder.release();
  const { status, body } = await answer;
  expect(status).toBe(409);
  expect(JSON.stringify(body)).toContain("was removed. Send the file again");
  await removed;
  expect(await user.rows(id)).toEqual(before);
});

test("uploading corrections creates no batch", async () => {
  const { user, id } = await finished();
  const listed = await user.get<{ items: BatchView[] }>("/api/v1/batches");
  expect(listed.body.items.map((batch) => batch.id)).toEqual([id]);
  await correct(user, id, "Title,Writer,_row\nFrankenstein,Shelley,3\n");
  const after = await user.get<{ items: BatchView[] }>("/api/v1/batches");
  expect(after.body.items.map((batch) => batch.id)).toEqual([id]);
  expect(
    await count(rowmill.ctx.pool, "SELECT count(*) FROM rowmill.batches WHERE correction_of IS NOT NULL"),
  ).toBe(0);
});

import { beforeAll, describe, expect, test } from "vitest";
import { deliverChunk, deliverUndo } from "../support/batches.ts";
import type { Client } from "../support/client.ts";
import { effects, importFile, receive } from "../support/imports.ts";
import { uploadForm } from "../support/upload-form.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const rowmill = useRowmill();

/** Books in chunks of 25 rows; the books in `titles` have the same author. */
function table(rows: number, titles: Record<number, string>): string {
  const lines = Array.from({ length: rows }, (_, index) => {
    const row = index + 2;
    return titles[row] === undefined
      ? `Title ${row},Author ${row},`
      : `${titles[row]},Austen,from row ${row}`;
  });
  return `title,author,description\n${lines.join("\n")}\n`;
}

/** Row 3 of the first chunk, 28 of the second, 53 and 54 of the third. */
const EMMA = table(75, { 3: "EMMA", 28: "Emma", 53: "emma", 54: "eMMa" });
const ROWS = [3, 28, 53, 54];
const ORDERS = [
  [2, 27, 52],
  [2, 52, 27],
  [27, 2, 52],
  [27, 52, 2],
  [52, 2, 27],
  [52, 27, 2],
];

async function importInOrder(user: Client, mode: "insert" | "skip_existing", order: readonly number[]) {
  const batch = await receive(user, EMMA, mode);
  for (const firstRow of order) await deliverChunk(rowmill.ctx, batch, firstRow);
  return batch;
}

async function emmas({ userId }: Client) {
  const { rows } = await rowmill.ctx.pool.query(
    `SELECT id::int, title, description, row_number AS row FROM rowmill.books WHERE user_id = $1 AND author = 'Austen'`,
    [userId],
  );
  return rows;
}

describe.for(ORDERS)("with chunks in the order %s, %s, %s", (order) => {
  test("insert creates the book from the first of equal rows and fails the others", async () => {
    const user = await rowmill.newUser();
    const batch = await importInOrder(user, "insert", order);
    const [emma] = await emmas(user);
    expect(emma).toMatchObject({ title: "EMMA", description: "from row 3", row: 3 });
    const message = `Row 3 of this file has the same title and author; it became book ${emma.id}.`;
    const rows = (await user.rows(batch)).filter(({ row }) => ROWS.includes(row));
    const duplicate = { status: "failed", record_id: null, error_code: "duplicate", error_message: message };
    expect(rows).toMatchObject([
      { row: 3, status: "success", record_id: emma.id, effect: "created" },
      { row: 28, ...duplicate, errors: [{ column: null, code: "duplicate", message }] },
      { row: 53, ...duplicate, errors: [{ column: null, code: "duplicate", message }] },
      { row: 54, ...duplicate, errors: [{ column: null, code: "duplicate", message }] },
    ]);
    const { body } = await user.batch(batch);
    expect(body).toMatchObject({
      state: "completed_with_errors",
      reason: "3 rows failed.",
      counts: { success: 72, failed: 3 },
      records: { created: 72, updated: 0, unchanged: 0 },
    });
  });

  test("skip_existing creates the book from the first of equal rows", async () => {
    const user = await rowmill.newUser();
    const batch = await importInOrder(user, "skip_existing", order);
    const [emma, ...others] = await emmas(user);
    expect([emma, others]).toMatchObject([{ title: "EMMA", description: "from row 3", row: 3 }, []]);
    const came = await effects(rowmill, batch);
    expect(ROWS.map((row) => came[row])).toEqual(["created", "unchanged", "unchanged", "unchanged"]);
    const { body } = await user.batch(batch);
    expect(body.records).toEqual({ created: 72, updated: 0, unchanged: 3 });
    await user.post(`/api/v1/batches/${batch}/undo`);
    await deliverUndo(rowmill.ctx, batch);
    expect((await user.batch(batch)).body).toMatchObject({ state: "undone", counts: { undone: 72 } });
    expect(await emmas(user)).toEqual([]);
  });
});

test("an earlier row does not take a book that was changed in the meantime", async () => {
  const user = await rowmill.newUser();
  const batch = await receive(user, EMMA, "insert");
  await deliverChunk(rowmill.ctx, batch, 52);
  const [emma] = await emmas(user);
  await user.patch(`/api/v1/books/${emma.id}`, { description: "by hand" });
  for (const firstRow of [27, 2]) await deliverChunk(rowmill.ctx, batch, firstRow);
  expect(await emmas(user)).toMatchObject([{ id: emma.id, description: "by hand" }]);
  const came = await effects(rowmill, batch);
  expect(ROWS.map((row) => came[row])).toEqual(["duplicate", "duplicate", "created", "duplicate"]);
});

test("a corrected earlier row takes the book of a later row", async () => {
  const user = await rowmill.newUser();
  const file = table(75, { 3: "", 53: "Emma" });
  const batch = await importFile(rowmill, user, file);
  expect(await effects(rowmill, batch)).toMatchObject({ 3: "required", 53: "created" });
  await user.patch(`/api/v1/batches/${batch}/rows/3`, { fields: { title: "Emma" } });
  await user.post(`/api/v1/batches/${batch}/retry`);
  await deliverChunk(rowmill.ctx, batch, 2);
  expect(await effects(rowmill, batch)).toMatchObject({ 3: "created", 53: "duplicate" });
  expect((await user.batch(batch)).body).toMatchObject({
    state: "completed_with_errors",
    counts: { success: 74, failed: 1 },
  });
});

test("a chunk that displaces a row of a chunk in work waits and tries again", async () => {
  const user = await rowmill.newUser();
  const { ctx } = rowmill;
  const batch = await receive(user, EMMA, "insert");
  await deliverChunk(ctx, batch, 52);
  const worker = await ctx.pool.connect();
  await worker.query("BEGIN");
  await worker.query("SELECT FROM rowmill.chunks WHERE batch_id = $1 AND first_row = 52 FOR UPDATE", [batch]);
  const displacing = deliverChunk(ctx, batch, 2);
  await expect(
    Promise.race([displacing, new Promise((done) => setTimeout(done, 700, "waits"))]),
  ).resolves.toBe("waits");
  await worker.query("COMMIT");
  worker.release();
  await displacing;
  expect(await effects(rowmill, batch)).toMatchObject({ 3: "created", 53: "duplicate" });
});

describe("with several chunks at the same time", () => {
  beforeAll(async () => void (await rowmill.startWorker()));

  /** Each book twice, five chunks apart. */
  const twice = (rows: number, apart: number) => {
    const lines = Array.from({ length: rows }, (_, index) => {
      const book = Math.floor(index / (2 * apart)) * apart + (index % apart);
      return `Title ${book},Author ${book},from row ${index + 2}`;
    });
    return `title,author,description\n${lines.join("\n")}\n`;
  };

  test.for(["insert", "skip_existing"] as const)("%s agrees with its dry run row by row", async (mode) => {
    const user = await rowmill.newUser();
    const file = twice(6000, 750);
    const query = { mode, dry_run: "true" };
    const { id } = (await uploadForm(user, file, { query })).body;
    const dry = await user.finished(id);
    const failures = async () =>
      (await user.rows(id, "failed")).map(({ row, error_code }) => [row, error_code]);
    const predicted = await failures();
    expect(predicted).toHaveLength(mode === "insert" ? 3000 : 0);
    await user.post(`/api/v1/batches/${id}/commit`);
    const batch = await user.finished(id);
    expect(await failures()).toEqual(predicted);
    expect(batch.records).toEqual(dry.records);
    const { rows } = await rowmill.ctx.pool.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM rowmill.books
      WHERE user_id = $1 AND description = 'from row ' || row_number AND (row_number - 2) / 750 % 2 = 0`,
      [user.userId],
    );
    expect(rows).toEqual([{ count: 3000 }]);
  });
});

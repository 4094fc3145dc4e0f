import { describe, expect, test } from "vitest";
import type { RowView } from "../../../src/batches/row-views.ts";
import { reconcile } from "../../../src/batches/upkeep/reconcile.ts";
import {
  command,
  deliverChunk,
  deliverUndo,
  deliverWhole,
  refused,
  untilBatch,
} from "../../support/batches.ts";
import { csv } from "../../support/book-files.ts";
import type { Client, Problem } from "../../support/client.ts";
import { announcedEnds, jobsLeft } from "../../support/jobs.ts";
import { type Rowmill, startRowmill } from "../../support/rowmill.ts";
import { addTrigger } from "../../support/triggers.ts";
import { until } from "../../support/until.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const UPSERT = "/api/v1/batches?target=books&mode=upsert";

interface Book {
  readonly id: number;
  readonly title: string;
  readonly author: string;
  readonly description: string;
}

async function booksOf({ ctx }: Rowmill, user: Client): Promise<Book[]> {
  const { rows } = await ctx.pool.query(
    "SELECT id::int, title, author, description, batch_id, row_number FROM rowmill.books WHERE user_id = $1 ORDER BY id",
    [user.userId],
  );
  return rows;
}

/** A batch of one chunk that has ended. */
async function imported({ ctx }: Rowmill, user: Client, content: string, path = UPSERT): Promise<string> {
  const { body } = await user.upload(content, path);
  await deliverChunk(ctx, body.id);
  return body.id;
}

async function undone({ ctx }: Rowmill, user: Client, batchId: string) {
  expect((await command(user, batchId, "undo")).state).toBe("undoing");
  await deliverUndo(ctx, batchId);
  const { body } = await user.batch(batchId);
  expect(body.state).toBe("undone");
  return body;
}

/** As somebody does who corrects a book by hand. */
const changeByHand = ({ ctx }: Rowmill, { userId }: Client, title: string, description: string) =>
  ctx.pool.query(
    "UPDATE rowmill.books SET batch_id = NULL, row_number = NULL, description = $3 WHERE user_id = $1 AND title = $2",
    [userId, title, description],
  );

const kept = async (user: Client, batchId: string) =>
  (await user.get<{ items: RowView[] }>(`/api/v1/batches/${batchId}/rows?undo=kept`)).body.items;

/** For the tests that need none of their own. */
const rowmill = useRowmill();

describe("undoing", () => {
  test("undoing once more reverts the records that were kept for a later batch", async () => {
    await using rowmill = await startRowmill();
    const user = await rowmill.newUser();
    const first = await imported(rowmill, user, "title,author\nT1,A\nT2,A\nT3,A\n");
    const second = await imported(rowmill, user, "title,author,description\nT1,A,new\nT2,A,new\nT4,A,new\n");
    expect((await undone(rowmill, user, first)).undo).toEqual({ reversed: 1, kept: 2, failed: 0 });
    expect((await undone(rowmill, user, second)).undo).toEqual({ reversed: 3, kept: 0, failed: 0 });
    expect((await booksOf(rowmill, user)).map(({ title }) => title)).toEqual(["T1", "T2"]);
    const again = await undone(rowmill, user, first);
    expect(again.undo).toEqual({ reversed: 3, kept: 0, failed: 0 });
    expect(again.counts).toMatchObject({ total: 3, undone: 3 });
    expect(await booksOf(rowmill, user)).toEqual([]);
    expect(await kept(user, first)).toEqual([]);
    expect((await command(user, first, "undo")).state).toBe("undone");
  });

  test("undoing removes the created records and reports the outcome", async () => {
    await using rowmill = await startRowmill();
    const user = await rowmill.newUser();
    await imported(rowmill, user, "title,author\nEmma,Austen\n");
    const before = await booksOf(rowmill, user);
    const { body: batch } = await user.upload(csv(95, 5));
    await rowmill.startWorker();
    await user.finished(batch.id);
    expect(await booksOf(rowmill, user)).toHaveLength(96);

    const undoing = await command(user, batch.id, "undo");
    expect(undoing).toMatchObject({ finished_at: null, reason: null });
    const ended = await user.finished(batch.id);
    expect(ended).toMatchObject({
      state: "undone",
      reason: "Records: 95 reverted, 0 kept because they were changed later, 0 failed.",
      undo: { reversed: 95, kept: 0, failed: 0 },
      counts: { total: 100, success: 0, failed: 5, undone: 95, pending: 0, processing: 0, unprocessed: 0 },
    });
    expect(await booksOf(rowmill, user)).toEqual(before);
    const rows = await user.rows(batch.id, "undone");
    expect(rows).toHaveLength(95);
    expect(rows[0]).toMatchObject({ status: "undone", undo: { outcome: "reversed", reason: null } });
    expect(await user.rows(batch.id, "success")).toEqual([]);
    expect(await kept(user, batch.id)).toEqual([]);
    // Once for the end of the import, once for the end of its undoing.
    expect(await announcedEnds(rowmill.ctx, batch.id)).toBe(2);
  });

  test("undoing restores updated records and skips unchanged ones", async () => {
    const user = await rowmill.newUser();
    await imported(rowmill, user, "title,author,description\nEmma,Austen,Old\nDracula,Stoker,Same\n");
    const before = await booksOf(rowmill, user);
    const batchId = await imported(
      rowmill,
      user,
      "title,author,description\nEMMA,Austen,New\nDracula,Stoker,Same\nUlysses,Joyce,\n",
    );
    expect((await user.batch(batchId)).body.records).toEqual({ created: 1, updated: 1, unchanged: 1 });
    const { counts, undo } = await undone(rowmill, user, batchId);
    expect(undo).toEqual({ reversed: 2, kept: 0, failed: 0 });
    expect(counts).toMatchObject({ undone: 2, success: 1 });
    expect(await booksOf(rowmill, user)).toEqual(before);
  });

  test("undoing keeps records changed or deleted since and lists them with the reason", async () => {
    const { ctx } = rowmill;
    const user = await rowmill.newUser();
    await imported(rowmill, user, "title,author,description\nEmma,Austen,Old\nPersuasion,Austen,Old\n");
    const batchId = await imported(
      rowmill,
      user,
      "title,author,description\nEmma,Austen,New\nPersuasion,Austen,New\nDracula,Stoker,\nUlysses,Joyce,\nCarmilla,Le Fanu,\n",
    );
    await changeByHand(rowmill, user, "Emma", "By hand");
    await changeByHand(rowmill, user, "Dracula", "By hand");
    await ctx.pool.query("DELETE FROM rowmill.books WHERE user_id = $1 AND title = 'Ulysses'", [user.userId]);
    const { undo, counts, reason } = await undone(rowmill, user, batchId);
    expect(undo).toEqual({ reversed: 2, kept: 3, failed: 0 });
    expect(counts).toMatchObject({ total: 5, success: 3, undone: 2 });
    expect(reason).toBe("Records: 2 reverted, 3 kept because they were changed later, 0 failed.");
    expect((await booksOf(rowmill, user)).map(({ title, description }) => [title, description])).toEqual([
      ["Emma", "By hand"],
      ["Persuasion", "Old"],
      ["Dracula", "By hand"],
    ]);
    const rows = await kept(user, batchId);
    expect(rows.map(({ row, status, undo }) => [row, status, undo])).toEqual([
      [2, "success", { outcome: "kept", reason: "The book was edited later." }],
      [4, "success", { outcome: "kept", reason: "The book was edited later." }],
      [5, "success", { outcome: "kept", reason: "The book was deleted later." }],
    ]);
    expect(await user.rows(batchId, "success")).toEqual(rows);
  });

  test("undoing keeps a record updated by a later import, which can be undone first", async () => {
    const user = await rowmill.newUser();
    const first = await imported(rowmill, user, "title,author,description\nEmma,Austen,One\n");
    const second = await imported(rowmill, user, "title,author,description\nEmma,Austen,Two\n");
    expect((await undone(rowmill, user, first)).undo).toEqual({ reversed: 0, kept: 1, failed: 0 });
    expect(await booksOf(rowmill, user)).toMatchObject([{ description: "Two" }]);
    expect((await kept(user, first)).map(({ undo }) => undo?.reason)).toEqual([
      `The book was changed later by another batch (${second}).`,
    ]);
    await undone(rowmill, user, second);
    expect(await booksOf(rowmill, user)).toMatchObject([{ description: "One" }]);
  });

  test("undoing two imports in reverse order restores each step", async () => {
    const user = await rowmill.newUser();
    const first = await imported(rowmill, user, "title,author,description\nEmma,Austen,One\n");
    const second = await imported(rowmill, user, "title,author,description\nEmma,Austen,Two\n");
    await undone(rowmill, user, second);
    expect((await undone(rowmill, user, first)).undo).toMatchObject({ reversed: 1 });
    expect(await booksOf(rowmill, user)).toEqual([]);
  });

  test("undoing reverts a record written by several rows in any chunks", async () => {
    const user = await rowmill.newUser();
    await imported(rowmill, user, "title,author,description\nEmma,Austen,Old\n");
    const before = await booksOf(rowmill, user);
    const lines = Array.from({ length: 100 }, (_, index) =>
      index % 10 === 0
        ? `Emma,Austen,Version ${index}`
        : index % 10 === 5
          ? `Ulysses,Joyce,Version ${index}`
          : `Title ${index},Author,`,
    );
    const { body: batch } = await user.upload(`title,author,description\n${lines.join("\n")}\n`, UPSERT);
    // Not in their order: as when one worker is slower than another.
    for (const firstRow of [27, 2, 77, 52]) await deliverChunk(rowmill.ctx, batch.id, firstRow);
    const after = await booksOf(rowmill, user);
    expect(after.filter(({ title }) => title === "Emma" || title === "Ulysses")).toMatchObject([
      { description: "Version 90" },
      { description: "Version 95" },
    ]);
    const { counts, undo, records } = await undone(rowmill, user, batch.id);
    expect(await booksOf(rowmill, user)).toEqual(before);
    expect(undo).toEqual({ reversed: records.created + records.updated, kept: 0, failed: 0 });
    expect(counts.undone + counts.success).toBe(100);
  });

  test("undoing explains why the last of several rows was kept", async () => {
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload(
      `title,author,description\nEmma,Austen,One\n${csv(30).split("\n").slice(1).join("\n")}Emma,Austen,Two\n`,
      UPSERT,
    );
    await deliverChunk(rowmill.ctx, batch.id, 2);
    await deliverChunk(rowmill.ctx, batch.id, 27);
    await changeByHand(rowmill, user, "Emma", "By hand");
    expect((await undone(rowmill, user, batch.id)).undo).toEqual({ reversed: 30, kept: 2, failed: 0 });
    expect(await booksOf(rowmill, user)).toMatchObject([{ title: "Emma", description: "By hand" }]);
  });

  test("undoing reverts the committed rows of a cancelled batch", async () => {
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload(csv(100));
    await deliverChunk(rowmill.ctx, batch.id, 27);
    await command(user, batch.id, "cancel");
    const { counts, undo } = await undone(rowmill, user, batch.id);
    expect(undo).toEqual({ reversed: 25, kept: 0, failed: 0 });
    expect(counts).toMatchObject({ total: 100, undone: 25, unprocessed: 75, success: 0, pending: 0 });
    expect(await booksOf(rowmill, user)).toEqual([]);
  });

  test("undoing reverts the committed rows of a batch ended by max_errors", async () => {
    const user = await rowmill.newUser();
    const batchId = await imported(rowmill, user, csv(90, 10), "/api/v1/batches?target=books&max_errors=2");
    expect((await user.batch(batchId)).body.state).toBe("failed");
    const { counts } = await undone(rowmill, user, batchId);
    expect(counts).toMatchObject({ total: 100, undone: 23, failed: 2, unprocessed: 75 });
    expect(await booksOf(rowmill, user)).toEqual([]);
  });

  test("undoing an atomic batch keeps its counts consistent", async () => {
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload(csv(50), "/api/v1/batches?target=books&policy=atomic");
    await deliverWhole(rowmill.ctx, batch.id);
    const undoing = await command(user, batch.id, "undo");
    expect(undoing.counts).toMatchObject({ total: 50, success: 50, unprocessed: 0, undone: 0 });
    expect(undoing.records.created).toBe(50);
    await deliverUndo(rowmill.ctx, batch.id);
    expect((await user.batch(batch.id)).body.counts).toMatchObject({ total: 50, success: 0, undone: 50 });
    expect(await booksOf(rowmill, user)).toEqual([]);
  });

  test("undoing a batch of records removes those that still exist", async () => {
    const { pool } = rowmill.ctx;
    const user = await rowmill.newUser();
    const batchId = await imported(rowmill, user, "a,b\n1,2\n3,4\n5,6\n", "/api/v1/batches?target=records");
    await pool.query("DELETE FROM rowmill.records WHERE user_id = $1 AND row_number = 3", [user.userId]);
    expect((await undone(rowmill, user, batchId)).undo).toEqual({ reversed: 2, kept: 1, failed: 0 });
    expect((await kept(user, batchId)).map(({ undo }) => undo?.reason)).toEqual([
      "The record was deleted later.",
    ]);
    expect(
      (await pool.query("SELECT 1 FROM rowmill.records WHERE user_id = $1", [user.userId])).rows,
    ).toEqual([]);
  });

  test("undoing marks records that the database keeps as failed and reverts the rest", async () => {
    await using rowmill = await startRowmill();
    await addTrigger(
      rowmill.ctx.pool,
      "hold",
      "BEFORE DELETE ON rowmill.books FOR EACH ROW",
      "IF OLD.title IN ('Title 3', 'Title 20') THEN RAISE EXCEPTION 'it is lent' USING ERRCODE = '23503'; END IF; RETURN OLD;",
    );
    const user = await rowmill.newUser();
    const batchId = await imported(rowmill, user, csv(25), "/api/v1/batches?target=books");
    const { undo, counts } = await undone(rowmill, user, batchId);
    expect(undo).toEqual({ reversed: 23, kept: 0, failed: 2 });
    expect(counts).toMatchObject({ undone: 23, success: 2 });
    const { body } = await user.get<{ items: RowView[] }>(`/api/v1/batches/${batchId}/rows?undo=failed`);
    expect(body.items.map(({ row, undo }) => [row, undo])).toEqual([
      [5, { outcome: "failed", reason: "it is lent" }],
      [22, { outcome: "failed", reason: "it is lent" }],
    ]);
  });

  test("undoing never touches another user's records", async () => {
    const user = await rowmill.newUser();
    const other = await rowmill.newUser();
    await imported(rowmill, other, csv(25));
    const theirs = await booksOf(rowmill, other);
    await undone(rowmill, user, await imported(rowmill, user, csv(25)));
    expect(await booksOf(rowmill, user)).toEqual([]);
    expect(await booksOf(rowmill, other)).toEqual(theirs);
  });

  test("undoing twice, concurrently or later, undoes once", async () => {
    await using rowmill = await startRowmill();
    const user = await rowmill.newUser();
    const batchId = await imported(rowmill, user, csv(25));
    const answers = await Promise.all([1, 2, 3].map(() => command(user, batchId, "undo")));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(await jobsLeft(rowmill.ctx, "batch.undo")).toBe(1);
    await deliverUndo(rowmill.ctx, batchId);
    const ended = (await user.batch(batchId)).body;
    expect(await command(user, batchId, "undo")).toEqual(ended);
    expect(await deliverUndo(rowmill.ctx, batchId)).toBeUndefined();
    expect((await user.batch(batchId)).body).toEqual(ended);
  });

  test("an undo delivered several times concurrently reverts each record once", async () => {
    await using rowmill = await startRowmill();
    const { ctx } = rowmill;
    const user = await rowmill.newUser();
    await imported(rowmill, user, csv(25).replaceAll("About", "Before"));
    const before = await booksOf(rowmill, user);
    const { body: batch } = await user.upload(csv(200), UPSERT);
    await rowmill.startWorker({ WORKER_QUEUES: "bulk_processing" });
    await user.finished(batch.id);
    await command(user, batch.id, "undo");
    await Promise.all([1, 2, 3].map(() => deliverUndo(ctx, batch.id)));
    const ended = await user.finished(batch.id);
    expect(ended.undo).toEqual({ reversed: 200, kept: 0, failed: 0 });
    expect(await booksOf(rowmill, user)).toEqual(before);
    expect(await announcedEnds(ctx, batch.id)).toBe(2);
  });

  test("an interrupted undo continues, also if its job is lost", async () => {
    await using rowmill = await startRowmill();
    const { ctx } = rowmill;
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload(csv(100));
    for (const firstRow of [2, 27, 52, 77]) await deliverChunk(ctx, batch.id, firstRow);
    await command(user, batch.id, "undo");
    await addTrigger(
      ctx.pool,
      "cut",
      "BEFORE DELETE ON rowmill.books FOR EACH ROW",
      "IF OLD.row_number = 30 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN OLD;",
    );
    await expect(deliverUndo(ctx, batch.id)).rejects.toThrow();
    const cut = (await user.batch(batch.id)).body;
    expect(cut).toMatchObject({
      state: "undoing",
      undo: { reversed: 50 },
      counts: { undone: 50, success: 50 },
    });
    expect(await booksOf(rowmill, user)).toHaveLength(50);
    expect(await user.rows(batch.id, "undone")).toHaveLength(50);
    await ctx.pool.query("DROP TRIGGER cut ON rowmill.books");
    await ctx.pool.query("DELETE FROM rowmill_queue.job WHERE name = 'batch.undo'");
    expect((await reconcile(ctx)).batchesRequeued).toBe(1);
    await rowmill.startWorker();
    expect((await user.finished(batch.id)).undo).toEqual({ reversed: 100, kept: 0, failed: 0 });
    expect(await booksOf(rowmill, user)).toEqual([]);
  });

  test("undoing right after a cancel waits for the chunk of a worker", async () => {
    await using rowmill = await startRowmill();
    const user = await rowmill.newUser();
    await rowmill.startWorker();
    const { body: batch } = await user.upload(csv(5000));
    await untilBatch(user, batch.id, "has rows", ({ counts }) => counts.success > 0);
    await command(user, batch.id, "cancel");
    await command(user, batch.id, "undo");
    const { counts, undo } = await user.finished(batch.id);
    expect(undo).toMatchObject({ kept: 0, failed: 0 });
    expect(counts.undone + counts.unprocessed).toBe(5000);
    await until("no job is left", async () => (await jobsLeft(rowmill.ctx)) === 0);
    expect(await booksOf(rowmill, user)).toEqual([]);
  });
});

test("a batch that is or was undone cannot be retried, and an undone one can be deleted", async () => {
  const user = await rowmill.newUser();
  const batchId = await imported(rowmill, user, csv(20, 5));
  await command(user, batchId, "undo");
  expect((await refused(user, batchId, "retry")).body.detail).toMatch(
    /^A batch that is undoing cannot be retried/,
  );
  expect((await user.send("DELETE", `/api/v1/batches/${batchId}`)).status).toBe(409);
  await deliverUndo(rowmill.ctx, batchId);
  expect((await refused(user, batchId, "retry")).status).toBe(409);
  expect((await user.send("DELETE", `/api/v1/batches/${batchId}`)).status).toBe(204);
});

test("filtering rows by an unknown undo outcome, or together with a status, answers 400", async () => {
  const user = await rowmill.newUser();
  const batchId = await imported(rowmill, user, csv(3));
  for (const query of ["undo=reversed", "undo=", "undo=kept&status=success"]) {
    const { status, body } = await user.get<Problem>(`/api/v1/batches/${batchId}/rows?${query}`);
    expect([query, status, Object.keys(body.field_errors)]).toEqual([query, 400, ["undo"]]);
  }
});

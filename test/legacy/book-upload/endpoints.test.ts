/** The endpoints of the Django book upload beyond the requests of its document. */
import { beforeAll, describe, expect, test } from "vitest";
import { newBatchId, rowIdOf } from "../../../src/batches/ids.ts";
import type { RowView } from "../../../src/batches/row-views.ts";
import type { Problem } from "../../support/client.ts";
import {
  type Accepted,
  type Book,
  batchStatus,
  manyBooks,
  TEST_BOOKS,
  taskStatus,
  upload,
} from "../../support/legacy-book-upload.ts";
import { startRowmill } from "../../support/rowmill.ts";
import { useRowmill, useUser } from "../../support/use-rowmill.ts";

describe("the legacy endpoints", () => {
  let small: Accepted;
  const rowmill = useRowmill();
  const owner = useUser(rowmill);
  const stranger = useUser(rowmill);
  beforeAll(async () => {
    small = (await upload(owner, TEST_BOOKS)).body;
  });

  test("the book upload endpoints require a token", async () => {
    const [taskId] = small.task_ids;
    for (const path of [
      "/books/",
      "/books/1/",
      `/task-status/?task_id=${taskId}`,
      `/batch-status/?batch_id=${small.batch_id}`,
    ])
      expect([path, (await rowmill.client.get(path)).status]).toEqual([path, 401]);
    expect((await upload(rowmill.client, TEST_BOOKS)).status).toBe(401);
  });

  test("the book upload endpoints answer 404 for another user's data", async () => {
    await using worked = await startRowmill();
    const [mine, other] = [await worked.newUser(), await worked.newUser()];
    await worked.startWorker();
    const { body } = await upload(mine, TEST_BOOKS);
    await mine.finished(body.batch_id);
    const book = (await mine.get<Book[]>("/books/")).body[0]?.id;
    for (const path of [
      `/task-status/?task_id=${body.task_ids[0]}`,
      `/batch-status/?batch_id=${body.batch_id}`,
      `/books/${book}/`,
    ]) {
      expect([path, (await mine.get(path)).status]).toEqual([path, 200]);
      expect([path, (await other.get(path)).status]).toEqual([path, 404]);
    }
    expect((await other.get("/books/")).body).toEqual([]);
  });

  test("the book upload endpoints answer 404 for unknown ids", async () => {
    const unknown = newBatchId(new Date());
    for (const id of [
      unknown,
      rowIdOf(unknown, 2),
      small.batch_id,
      rowIdOf(small.batch_id, 5),
      "f47ac10b-58cc-4372-a567-0e02b2c3d479",
    ])
      expect([id, (await taskStatus(owner, id)).status]).toEqual([id, 404]);
    for (const id of [unknown, small.task_ids[0] ?? "", "550e8400-e29b-41d4-a716-446655440000"])
      expect([id, (await batchStatus(owner, id)).status]).toEqual([id, 404]);
  });

  test.each([
    "",
    "7",
    "abc",
    "550e8400-e29b-41d4-a716",
    "%00",
    "urn:uuid:550e8400-e29b-41d4-a716-446655440000",
  ])("a status endpoint answers 400 for the invalid id %j", async (id) => {
    expect((await taskStatus(stranger, id)).status).toBe(400);
    expect((await batchStatus(stranger, id)).status).toBe(400);
  });

  test.each([
    "/task-status/",
    "/batch-status/",
    "/books/abc/",
    "/books/0/",
    "/books/-1/",
    "/books/99999999999999999999/",
  ])("GET %s answers 400", async (path) => {
    const { status, body } = await stranger.get<Problem>(path);
    expect(status).toBe(400);
    expect(body.error).not.toBe("");
  });

  test.each([
    ["an empty file", ""],
    ["no author", "title,description\nEmma,\n"],
  ])("the bulk upload answers 400 for %s", async (_, content) => {
    const { status, body } = await owner.upload<Problem>(content, "/bulk-upload/");
    expect(status).toBe(400);
    expect(body.error).not.toBe("");
  });

  test("the bulk upload takes a header alone", async () => {
    const { status } = await owner.upload("title,author,description\n", "/bulk-upload/");
    expect(status).toBe(202);
  });

  test("the bulk upload answers 400 without a file", async () => {
    const form = new FormData();
    form.set("other", "x");
    const { status } = await owner.send("POST", "/bulk-upload/", { body: form });
    expect(status).toBe(400);
  });

  test("a bulk upload lists its first 10,000 tasks and links the rest", async () => {
    const user = await rowmill.newUser();
    const { status, body } = await upload(user, manyBooks(10_001));
    expect(status).toBe(202);
    expect(body.total_rows).toBe(10_001);
    expect(body.task_ids).toEqual(
      Array.from({ length: 10_000 }, (_, index) => rowIdOf(body.batch_id, index + 2)),
    );
    const next = String(body.next);
    expect(next.startsWith(`${rowmill.config.publicUrl}/`)).toBe(true);
    const rest = await user.get<{ items: RowView[]; next_cursor: string | null }>(
      next.slice(rowmill.config.publicUrl.length),
    );
    expect(rest.status).toBe(200);
    expect(rest.body.items.map(({ task_id, fields }) => [task_id, fields.title])).toEqual([
      [rowIdOf(body.batch_id, 10_002), "Title 10000"],
    ]);
    expect(rest.body.next_cursor).toBeNull();
    const last = await taskStatus(user, body.task_ids[9999] ?? "");
    expect([last.status, last.body.title]).toEqual([200, "Title 9999"]);
  });

  test("a bulk upload of 10,000 rows lists all tasks without a link", async () => {
    const user = await rowmill.newUser();
    const { body } = await upload(user, manyBooks(10_000));
    expect(body.task_ids).toHaveLength(10_000);
    expect(Object.keys(body).toSorted()).toEqual(["batch_id", "task_ids", "total_rows"]);
  });

  test("the batch status shows up to 1,000 tasks at once", async () => {
    const user = await rowmill.newUser();
    const { body: made } = await upload(user, manyBooks(1000));
    const { body } = await batchStatus(user, made.batch_id);
    expect(body.tasks.map(({ task_id }) => task_id)).toEqual(made.task_ids);
    expect(Object.keys(body)).not.toContain("next_cursor");
  });

  test("the batch status shows more than 1,000 tasks in pages", async () => {
    const user = await rowmill.newUser();
    const { body: made } = await upload(user, manyBooks(1500));
    const first = await batchStatus(user, made.batch_id);
    expect(first.body).toMatchObject({ total: 1500, pending: 1500 });
    expect(first.body.tasks).toHaveLength(1000);
    const second = await batchStatus(user, made.batch_id, `&cursor=${first.body.next_cursor}`);
    expect(second.body).toMatchObject({ total: 1500, pending: 1500 });
    expect(second.body.tasks).toHaveLength(500);
    expect(Object.keys(second.body)).not.toContain("next_cursor");
    const found = [...first.body.tasks, ...second.body.tasks].map(({ task_id }) => task_id);
    expect(found).toEqual(made.task_ids);
    expect((await batchStatus(user, made.batch_id, "&cursor=nonsense")).status).toBe(400);
  });

  test("the task status names the queue job of its row, which exists", async () => {
    const { body } = await taskStatus(owner, small.task_ids[0] ?? "");
    const { rows } = await rowmill.ctx.pool.query("SELECT name FROM rowmill_queue.job WHERE id = $1", [
      body.celery_task_id,
    ]);
    expect(rows).toEqual([{ name: "batch.process-chunk" }]);
  });

  test("the task status shows cells under any column names", async () => {
    const user = await rowmill.newUser();
    const { body } = await upload(user, "Summary,BOOK TITLE,Writer\nA day,Ulysses,James Joyce\n");
    expect((await taskStatus(user, body.task_ids[0] ?? "")).body).toMatchObject({
      title: "Ulysses",
      author: "James Joyce",
      description: "A day",
    });
  });
});

test("/signup/ refuses a malformed e-mail address and accepts an empty one", async () => {
  await using rowmill = await startRowmill();
  const signUp = (email: string) =>
    rowmill.client.post<Problem>("/signup/", { username: "mail", password: "p", email });
  const refused = await signUp("u@example.com\r\nBcc: eve@example.com");
  expect(refused.status).toBe(400);
  expect(refused.body.field_errors).toEqual({
    email: ["must be an email address, such as ada@example.com."],
  });
  expect((await signUp("")).status).toBe(201);
});

test("PASSWORD_MIN_LENGTH applies to /signup/ if it is set", async () => {
  await using rowmill = await startRowmill({ PASSWORD_MIN_LENGTH: "5" });
  const signUp = (username: string, password: string) =>
    rowmill.client.post<Problem>("/signup/", { username, password, email: "u@example.com" });
  const short = await signUp("short", "1234");
  expect(short.status).toBe(400);
  expect(short.body.field_errors.password).toEqual(["must have at least 5 characters."]);
  expect((await rowmill.client.post("/login/", { username: "short", password: "1234" })).status).toBe(401);
  expect((await signUp("long", "5 cat")).status).toBe(201);
});

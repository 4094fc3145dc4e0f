/** The calls that the document of the Django book upload shows. */
import { describe, expect, test } from "vitest";
import type { Client, Problem } from "../../support/client.ts";
import {
  type Accepted,
  type Book,
  batchStatus,
  logged,
  MOMENT,
  type Session,
  TEST_BOOKS,
  taskStatus,
  UUID,
  upload,
} from "../../support/legacy-book-upload.ts";
import { until } from "../../support/until.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

describe("the document, replayed", () => {
  // Long enough to be observed, even on a busy machine.
  const ROW_DELAY_MS = 1000;
  let user: Client;
  let accepted: Accepted;
  const rowmill = useRowmill({ settings: { ROW_DELAY_MS: String(ROW_DELAY_MS) } });

  test("signup answers 201 with tokens", async () => {
    const { status, body } = await rowmill.client.post<Session>("/signup/", {
      username: "u",
      password: "p",
      email: "u@example.com",
    });
    expect(status).toBe(201);
    expect(body).toEqual({
      success: true,
      access: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      refresh: expect.stringMatching(/.{20}/),
      user_id: expect.any(Number),
      username: "u",
    });
    user = logged(rowmill, body);
    expect((await user.get("/books/")).status).toBe(200);
  });

  test("login answers 200 with tokens and an httpOnly cookie", async () => {
    const { status, body, headers } = await rowmill.client.post<Session>("/login/", {
      username: "u",
      password: "p",
    });
    expect(status).toBe(200);
    expect(body).toEqual({
      success: true,
      access: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      refresh: expect.stringMatching(/.{20}/),
      user_id: user.userId,
      username: "u",
    });
    expect((await logged(rowmill, body).get("/books/")).status).toBe(200);
    const cookie = headers.getSetCookie().find((one) => one.includes(body.access));
    expect(cookie).toMatch(/; HttpOnly/i);
    const byCookie = await rowmill.client.get("/books/", { cookie: cookie?.split(";")[0] ?? "" });
    expect(byCookie.status).toBe(200);
  });

  test("login answers 400 for a missing field and 401 for a wrong password", async () => {
    const login = (body: object) => rowmill.client.post<Problem>("/login/", body);
    expect((await login({ password: "p" })).status).toBe(400);
    expect((await login({ username: "u" })).status).toBe(400);
    expect((await login({})).status).toBe(400);
    expect((await login({ username: "u", password: "q" })).status).toBe(401);
    expect((await login({ username: "nobody", password: "p" })).status).toBe(401);
  });

  test("signup answers 400 for a missing field or an empty password", async () => {
    for (const body of [{ username: "v" }, { password: "p" }, {}, { username: "v", password: "" }])
      expect((await rowmill.client.post("/signup/", body)).status).toBe(400);
  });

  test("an upload answers 202 at once with one task per row", async () => {
    const { status, body } = await upload(user, TEST_BOOKS);
    expect(status).toBe(202);
    expect(body).toEqual({
      batch_id: expect.stringMatching(UUID),
      task_ids: [expect.stringMatching(UUID), expect.stringMatching(UUID), expect.stringMatching(UUID)],
      total_rows: 3,
    });
    expect(new Set(body.task_ids).size).toBe(3);
    accepted = body;
  });

  test("tasks and batch go from pending through processing to success", async () => {
    const { batch_id, task_ids } = accepted;
    const [first = ""] = task_ids;
    const waiting = await taskStatus(user, first);
    expect(waiting.status).toBe(200);
    // The seven keys of the document's answer, and the rest of the record that it describes.
    expect(waiting.body).toEqual({
      task_id: first,
      status: "pending",
      title: "The Great Gatsby",
      author: "F. Scott Fitzgerald",
      error_message: null,
      created_at: MOMENT,
      completed_at: null,
      batch_id,
      description: "A novel of the Jazz Age",
      created_book_id: null,
      celery_task_id: expect.stringMatching(UUID),
    });
    const queued = await batchStatus(user, batch_id);
    expect(queued.body).toMatchObject({ total: 3, pending: 3, processing: 0, success: 0, failed: 0 });

    await rowmill.startWorker();
    const working = await until("the task is processing", async () => {
      const { body } = await taskStatus(user, first);
      return body.status === "pending" ? null : body;
    });
    expect(working.status).toBe("processing");
    const workedOn = await batchStatus(user, batch_id);
    expect(workedOn.body).toMatchObject({ total: 3, pending: 0, processing: 3, success: 0, failed: 0 });

    const done = await until("the task has succeeded", async () => {
      const { body } = await taskStatus(user, first);
      return body.status === "processing" ? null : body;
    });
    expect(done).toEqual({
      ...waiting.body,
      status: "success",
      completed_at: MOMENT,
      created_book_id: expect.any(Number),
    });
    // Its row took ROW_DELAY_MS.
    expect(Date.parse(String(done.completed_at)) - Date.parse(done.created_at)).toBeGreaterThanOrEqual(
      ROW_DELAY_MS,
    );
  });

  test("every task id answers in row order", async () => {
    const titles = [];
    for (const id of accepted.task_ids) titles.push((await taskStatus(user, id)).body.title);
    expect(titles).toEqual(["The Great Gatsby", "1984", "To Kill a Mockingbird"]);
  });

  test("the batch status has its counts and tasks with exact keys", async () => {
    const { status, body } = await batchStatus(user, accepted.batch_id);
    expect(status).toBe(200);
    const task = (index: number, title: string, author: string) => ({
      task_id: accepted.task_ids[index],
      status: "success",
      title,
      author,
      error_message: null,
      created_at: MOMENT,
      completed_at: MOMENT,
    });
    expect(body).toEqual({
      batch_id: accepted.batch_id,
      total: 3,
      pending: 0,
      processing: 0,
      success: 3,
      failed: 0,
      tasks: [
        task(0, "The Great Gatsby", "F. Scott Fitzgerald"),
        task(1, "1984", "George Orwell"),
        task(2, "To Kill a Mockingbird", "Harper Lee"),
      ],
    });
  });

  test("the imported books are listed and can be read one by one", async () => {
    const { status, body } = await user.get<Book[]>("/books/");
    expect(status).toBe(200);
    const book = (title: string, author: string, description: string) => ({
      id: expect.any(Number),
      title,
      author,
      description,
      picture: null,
      picture_url: null,
    });
    expect(body).toEqual([
      book("The Great Gatsby", "F. Scott Fitzgerald", "A novel of the Jazz Age"),
      book("1984", "George Orwell", "A dystopian novel"),
      book("To Kill a Mockingbird", "Harper Lee", "A classic of American literature"),
    ]);
    const made = await Promise.all(accepted.task_ids.map((id) => taskStatus(user, id)));
    expect(made.map((task) => task.body.created_book_id)).toEqual(body.map(({ id }) => id));
    for (const one of body) {
      const answer = await user.get<Book>(`/books/${one.id}/`);
      expect(answer.status).toBe(200);
      expect(answer.body).toEqual(one);
    }
  });

  test("an unknown legacy book answers 404", async () => {
    expect((await user.get("/books/999/")).status).toBe(404);
  });

  test("a failed row shows its reason and time", async () => {
    const { body } = await upload(user, "title,author\nEmma,Jane Austen\n,Nobody\n");
    const [, second = ""] = body.task_ids;
    await user.finished(body.batch_id);
    expect((await taskStatus(user, second)).body).toMatchObject({
      status: "failed",
      title: "",
      author: "Nobody",
      description: "",
      error_message: "title is required",
      completed_at: MOMENT,
      created_book_id: null,
    });
    const { body: batch } = await batchStatus(user, body.batch_id);
    expect(batch).toMatchObject({ total: 2, pending: 0, processing: 0, success: 1, failed: 1 });
    expect(batch.tasks.map(({ status, error_message }) => [status, error_message])).toEqual([
      ["success", null],
      ["failed", "title is required"],
    ]);
  });
});

/** S0's document (a Django bulk book upload), replayed call by call. */
import type { Static } from "typebox";
import { beforeAll, describe, expect, test } from "vitest";
import { newBatchId, taskIdOf } from "../../../src/batches/ids.ts";
import type { RowView } from "../../../src/batches/row-views.ts";
import type { BookView } from "../../../src/books/queries.ts";
import { Client, type Problem } from "../../support/client.ts";
import { type Rowmill, startRowmill } from "../../support/rowmill.ts";
import { until } from "../../support/until.ts";
import { useRowmill, useUser } from "../../support/use-rowmill.ts";

interface Session {
  success: boolean;
  access: string;
  refresh: string;
  user_id: number;
  username: string;
}

interface Accepted {
  batch_id: string;
  task_ids: string[];
  total_rows: number;
  next?: string;
}

interface Task {
  task_id: string;
  status: string;
  title: string;
  author: string;
  error_message: string | null;
  created_at: string;
  completed_at: string | null;
}

interface TaskDetail extends Task {
  batch_id: string;
  description: string;
  created_book_id: number | null;
  celery_task_id: string | null;
}

interface BatchStatus {
  batch_id: string;
  total: number;
  pending: number;
  processing: number;
  success: number;
  failed: number;
  tasks: Task[];
  next_cursor?: string;
}

type Book = Static<typeof BookView>;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const MOMENT = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
const TEST_BOOKS = `title,author,description
The Great Gatsby,F. Scott Fitzgerald,A novel of the Jazz Age
1984,George Orwell,A dystopian novel
To Kill a Mockingbird,Harper Lee,A classic of American literature
`;
const manyBooks = (count: number) =>
  `title,author\n${Array.from({ length: count }, (_, index) => `Title ${index},Author ${index}\n`).join("")}`;

const upload = (user: Client, content: string, path = "/bulk-upload/") =>
  user.upload<Accepted>(content, path, "test_books.csv");
const taskStatus = (user: Client, taskId: string) => user.get<TaskDetail>(`/task-status/?task_id=${taskId}`);
const batchStatus = (user: Client, batchId: string, more = "") =>
  user.get<BatchStatus>(`/batch-status/?batch_id=${batchId}${more}`);

const logged = ({ app, url }: Rowmill, { access, refresh, user_id }: Session) =>
  new Client(url, app, { access, refresh, user: { id: user_id } });

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

  test("login answers 200 with the same, also in an httpOnly cookie", async () => {
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

  test("login without a field is 400, with a wrong password 401", async () => {
    const login = (body: object) => rowmill.client.post<Problem>("/login/", body);
    expect((await login({ password: "p" })).status).toBe(400);
    expect((await login({ username: "u" })).status).toBe(400);
    expect((await login({})).status).toBe(400);
    expect((await login({ username: "u", password: "q" })).status).toBe(401);
    expect((await login({ username: "nobody", password: "p" })).status).toBe(401);
  });

  test("signup without a field, or with an empty password, is 400", async () => {
    for (const body of [{ username: "v" }, { password: "p" }, {}, { username: "v", password: "" }])
      expect((await rowmill.client.post("/signup/", body)).status).toBe(400);
  });

  test("the upload answers 202 at once, with a task for each row", async () => {
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

  test("task by task and as a batch, it goes from pending over processing to success", async () => {
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

  test("every task id answers, in row order", async () => {
    const titles = [];
    for (const id of accepted.task_ids) titles.push((await taskStatus(user, id)).body.title);
    expect(titles).toEqual(["The Great Gatsby", "1984", "To Kill a Mockingbird"]);
  });

  test("the batch's status has its counts and its tasks, key for key", async () => {
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

  test("the books are there, as an array and one by one", async () => {
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

  test("a book that is not there is 404", async () => {
    expect((await user.get("/books/999/")).status).toBe(404);
  });

  test("a row that fails says why, and when", async () => {
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

describe("the seed's endpoints", () => {
  let small: Accepted;
  const rowmill = useRowmill();
  const owner = useUser(rowmill);
  const stranger = useUser(rowmill);
  beforeAll(async () => {
    small = (await upload(owner, TEST_BOOKS)).body;
  });

  test("answer with and without the slash at the end", async () => {
    const account = { username: "slash", password: "p", email: "" };
    expect((await rowmill.client.post("/signup", account)).status).toBe(201);
    expect((await rowmill.client.post("/login", account)).status).toBe(200);
    expect((await upload(owner, TEST_BOOKS, "/bulk-upload")).status).toBe(202);
    const [taskId] = small.task_ids;
    for (const [withSlash, without] of [
      [`/task-status/?task_id=${taskId}`, `/task-status?task_id=${taskId}`],
      [`/batch-status/?batch_id=${small.batch_id}`, `/batch-status?batch_id=${small.batch_id}`],
      ["/books/", "/books"],
    ]) {
      const [one, other] = [await owner.get(String(withSlash)), await owner.get(String(without))];
      expect([withSlash, one.status, other.status]).toEqual([withSlash, 200, 200]);
      expect(other.body).toEqual(one.body);
    }
    expect((await owner.get("/books/999")).status).toBe(404);
  });

  test("need a token", async () => {
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

  test("show nobody what is somebody else's: 404", async () => {
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

  test("answer 404 for ids that are none of ours", async () => {
    const unknown = newBatchId(new Date());
    for (const id of [
      unknown,
      taskIdOf(unknown, 2),
      small.batch_id,
      taskIdOf(small.batch_id, 5),
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
  ])("answer 400 for %j, which is no id", async (id) => {
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
  ])("answer 400 for %s", async (path) => {
    const { status, body } = await stranger.get<Problem>(path);
    expect(status).toBe(400);
    expect(body.error).not.toBe("");
  });

  test.each([
    ["an empty file", ""],
    ["a header alone", "title,author,description\n"],
    ["no author", "title,description\nEmma,\n"],
  ])("refuse %s: 400", async (_, content) => {
    const { status, body } = await owner.upload<Problem>(content, "/bulk-upload/");
    expect(status).toBe(400);
    expect(body.error).not.toBe("");
  });

  test("refuse an upload without a file: 400", async () => {
    const form = new FormData();
    form.set("other", "x");
    const { status } = await owner.send("POST", "/bulk-upload/", { body: form });
    expect(status).toBe(400);
  });

  test("list the first 10,000 tasks of an upload, and say where the rest is", async () => {
    const user = await rowmill.newUser();
    const { status, body } = await upload(user, manyBooks(10_001));
    expect(status).toBe(202);
    expect(body.total_rows).toBe(10_001);
    expect(body.task_ids).toEqual(
      Array.from({ length: 10_000 }, (_, index) => taskIdOf(body.batch_id, index + 2)),
    );
    const next = String(body.next);
    expect(next.startsWith(`${rowmill.config.publicUrl}/`)).toBe(true);
    const rest = await user.get<{ items: RowView[]; next_cursor: string | null }>(
      next.slice(rowmill.config.publicUrl.length),
    );
    expect(rest.status).toBe(200);
    expect(rest.body.items.map(({ task_id, fields }) => [task_id, fields.title])).toEqual([
      [taskIdOf(body.batch_id, 10_002), "Title 10000"],
    ]);
    expect(rest.body.next_cursor).toBeNull();
    const last = await taskStatus(user, body.task_ids[9999] ?? "");
    expect([last.status, last.body.title]).toEqual([200, "Title 9999"]);
  });

  test("list all of 10,000 tasks, and then there is no rest", async () => {
    const user = await rowmill.newUser();
    const { body } = await upload(user, manyBooks(10_000));
    expect(body.task_ids).toHaveLength(10_000);
    expect(Object.keys(body).toSorted()).toEqual(["batch_id", "task_ids", "total_rows"]);
  });

  test("show up to 1,000 tasks of a batch at once", async () => {
    const user = await rowmill.newUser();
    const { body: made } = await upload(user, manyBooks(1000));
    const { body } = await batchStatus(user, made.batch_id);
    expect(body.tasks.map(({ task_id }) => task_id)).toEqual(made.task_ids);
    expect(Object.keys(body)).not.toContain("next_cursor");
  });

  test("show more than 1,000 tasks of a batch in pages", async () => {
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

  test("name a row's queue job, which is there", async () => {
    const { body } = await taskStatus(owner, small.task_ids[0] ?? "");
    const { rows } = await rowmill.ctx.pool.query("SELECT name FROM pgboss.job WHERE id = $1", [
      body.celery_task_id,
    ]);
    expect(rows).toEqual([{ name: "batch.process-chunk" }]);
  });

  test("find a row's cells whatever its columns are called", async () => {
    const user = await rowmill.newUser();
    const { body } = await upload(user, "Summary,BOOK TITLE,Writer\nA day,Ulysses,James Joyce\n");
    expect((await taskStatus(user, body.task_ids[0] ?? "")).body).toMatchObject({
      title: "Ulysses",
      author: "James Joyce",
      description: "A day",
    });
  });
});

test("PASSWORD_MIN_LENGTH, where it is set, holds for /signup/ too", async () => {
  await using rowmill = await startRowmill({ PASSWORD_MIN_LENGTH: "5" });
  const signUp = (username: string, password: string) =>
    rowmill.client.post<Problem>("/signup/", { username, password, email: "u@example.com" });
  const short = await signUp("short", "1234");
  expect(short.status).toBe(400);
  expect(short.body.field_errors.password).toEqual(["must have at least 5 characters."]);
  expect((await rowmill.client.post("/login/", { username: "short", password: "1234" })).status).toBe(401);
  expect((await signUp("long", "12345")).status).toBe(201);
});

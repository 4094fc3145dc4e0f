/** The document of the Django bulk book upload, request by request, in its order. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { Answer, Client, Problem } from "../../support/client.ts";
import { A_JWT, A_MOMENT, A_NUMBER, A_SECRET, A_UUID } from "../../support/formats.ts";
import { closeGate } from "../../support/gate.ts";
import {
  type Accepted,
  type BatchStatus,
  type Book,
  type Session,
  type TaskDetail,
  TEST_BOOKS,
} from "../../support/legacy-book-upload.ts";
import { all, root } from "../../support/pages.ts";
import { picture } from "../../support/pictures.ts";
import { replay, typeCommand } from "../../support/replay.ts";
import { until } from "../../support/until.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const GATSBY = {
  title: "The Great Gatsby",
  author: "F. Scott Fitzgerald",
  description: "A novel of the Jazz Age",
};
const ORWELL = { title: "1984", author: "George Orwell", description: "A dystopian novel" };
const LEE = {
  title: "To Kill a Mockingbird",
  author: "Harper Lee",
  description: "A classic of American literature",
};
const FILES = { "test_books.csv": TEST_BOOKS };

/** With the delay per row that the document has. */
const rowmill = useRowmill({ settings: { ROW_DELAY_MS: "500" } });
let client: Client;
beforeAll(() => {
  client = rowmill.client;
});

const session = (username: string) => ({
  success: true,
  access: A_JWT,
  refresh: A_SECRET,
  user_id: A_NUMBER,
  username,
});
const withoutPicture = (book: object) => ({ id: A_NUMBER, ...book, picture: null, picture_url: null });

let access_token = "";

function signUp(username: string, password: string, email: string): Promise<Answer<Session & Problem>> {
  const body = JSON.stringify({ username, password, email });
  return replay(client, `POST /signup/\nContent-Type: application/json\n\n${body}`);
}

function logIn(username: string, password: string): Promise<Answer<Session & Problem>> {
  return replay(
    client,
    `POST /login/\nContent-Type: application/json\n\n${JSON.stringify({ username, password })}`,
  );
}

function read<T>(path: string, token = access_token): Promise<Answer<T>> {
  return replay<T>(client, `GET ${path}\nAuthorization: Bearer <token>`, { token });
}

const taskStatus = (id: string, token?: string) => read<TaskDetail>(`/task-status/?task_id=${id}`, token);
const batchStatus = (id: string, token?: string) => read<BatchStatus>(`/batch-status/?batch_id=${id}`, token);

function upload(token = access_token, csv = TEST_BOOKS): Promise<Answer<Accepted>> {
  return replay(
    client,
    `POST /bulk-upload/
    Authorization: Bearer <token>
    Content-Type: multipart/form-data

    { "file": <test_books.csv> }`,
    { token },
    { "test_books.csv": csv },
  );
}

const succeeded = (batchId: string, token?: string) =>
  until("every row has succeeded", async () => {
    const { body } = await batchStatus(batchId, token);
    return body.success === body.total && body;
  });

describe("its API endpoints", () => {
  let book: Book;
  let accepted: Accepted;

  test("book upload, request 1: signup answers 201 with tokens", async () => {
    const { status, body } = await replay(
      client,
      `POST /signup/
      Content-Type: application/json

      {
        "username": "testuser",
        "password": "testpass123",
        "email": "test@example.com"
      }`,
    );
    expect([status, body]).toEqual([201, session("testuser")]);
  });

  test("book upload, request 2: login answers 200 with tokens and an httpOnly cookie", async () => {
    const { status, body, headers } = await replay<Session>(
      client,
      `POST /login/
      Content-Type: application/json

      {
        "username": "testuser",
        "password": "testpass123"
      }`,
    );
    expect([status, body]).toEqual([200, session("testuser")]);
    access_token = body.access;
    const cookie = headers.getSetCookie().find((one) => one.includes(body.access)) ?? "";
    expect(cookie).toMatch(/; HttpOnly/i);
    const byCookie = await client.get("/books/", { cookie: cookie.split(";")[0] ?? "" });
    expect(byCookie.status).toBe(200);
  });

  test("book upload, request 3: the list of books is an array", async () => {
    const { status, body } = await replay(
      client,
      `GET /books/
      Authorization: Bearer <access_token>`,
      { access_token },
    );
    expect([status, body]).toEqual([200, []]);
  });

  test("book upload, request 4: a book is created with its picture, and listed", async () => {
    const { status, body } = await replay<Book>(
      client,
      `POST /books/
      Authorization: Bearer <access_token>
      Content-Type: multipart/form-data

      {
        "title": "1984",
        "author": "George Orwell",
        "description": "A dystopian novel",
        "picture": <file>
      }`,
      { access_token },
      { file: await picture("jpeg") },
    );
    const shown = {
      id: A_NUMBER,
      ...ORWELL,
      picture: expect.stringMatching(/^\/media\/books\/[\w-]+\.jpg$/),
      picture_url: `${rowmill.config.publicUrl}${body.picture}`,
    };
    expect([status, body]).toEqual([201, shown]);
    expect((await read("/books/")).body).toEqual([shown]);
    const image = await client.download(String(body.picture_url));
    expect([image.status, image.headers.get("content-type")]).toEqual([200, "image/jpeg"]);
    book = body;
  });

  test("book upload, request 5: a book is read by its id", async () => {
    const { status, body } = await replay(
      client,
      `GET /books/<id>/
      Authorization: Bearer <access_token>`,
      { access_token, id: book.id },
    );
    expect([status, body]).toEqual([200, book]);
  });

  test("book upload, request 6: a book is edited", async () => {
    const { status, body } = await replay(
      client,
      `POST /books/<id>/edit/
      Authorization: Bearer <access_token>
      Content-Type: multipart/form-data

      {
        "title": "The Great Gatsby (Updated)",
        "author": "F. Scott Fitzgerald",
        "description": "..."
      }`,
      { access_token, id: book.id },
    );
    const updated = { title: "The Great Gatsby (Updated)", author: GATSBY.author, description: "..." };
    expect([status, body]).toEqual([200, { ...book, ...updated }]);
  });

  test("book upload, request 7: a book is deleted", async () => {
    const { status, body } = await replay(
      client,
      `POST /books/<id>/delete/
      Authorization: Bearer <access_token>`,
      { access_token, id: book.id },
    );
    expect([status, body]).toEqual([204, ""]);
    expect((await read("/books/")).body).toEqual([]);
  });

  test("book upload, request 8: an upload answers 202 at once with one task per row", async () => {
    const { status, body } = await upload();
    expect([status, body]).toEqual([
      202,
      { batch_id: A_UUID, task_ids: [A_UUID, A_UUID, A_UUID], total_rows: 3 },
    ]);
    expect(new Set(body.task_ids).size).toBe(3);
    accepted = body;
  });

  test("book upload, request 9: a task goes from pending through processing to success", async () => {
    const { batch_id, task_ids } = accepted;
    const [first = ""] = task_ids;
    const waiting = await taskStatus(first);
    const { description, ...shown } = GATSBY;
    // The seven fields of the answer, and the rest of the record that the document describes.
    const record = { batch_id, description, celery_task_id: A_UUID, created_book_id: null };
    expect([waiting.status, waiting.body]).toEqual([
      200,
      {
        task_id: first,
        status: "pending",
        ...shown,
        error_message: null,
        created_at: A_MOMENT,
        completed_at: null,
        ...record,
      },
    ]);
    expect((await batchStatus(batch_id)).body).toMatchObject({ pending: 3, processing: 0, success: 0 });
    await using gate = await closeGate(rowmill.ctx, "settle");
    await rowmill.startWorker();
    await gate.reached();
    expect((await taskStatus(first)).body).toEqual({ ...waiting.body, status: "processing" });
    await until("a worker has every row", async () => {
      const { body } = await batchStatus(batch_id);
      return body.pending === 0 && body.processing === 3 && body.success === 0;
    });
    await gate.open();
    await succeeded(batch_id);
    const { body: done } = await taskStatus(first);
    const ended = { status: "success", completed_at: A_MOMENT, created_book_id: A_NUMBER };
    expect(done).toEqual({ ...waiting.body, ...ended });
    expect(Date.parse(String(done.completed_at)) - Date.parse(done.created_at)).toBeGreaterThanOrEqual(500);
  });

  test("book upload, request 10: the batch has counts and its tasks in the order of the file", async () => {
    const { status, body } = await batchStatus(accepted.batch_id);
    const tasks = [GATSBY, ORWELL, LEE].map(({ title, author }, index) => ({
      task_id: accepted.task_ids[index],
      status: "success",
      title,
      author,
      error_message: null,
      created_at: A_MOMENT,
      completed_at: A_MOMENT,
    }));
    expect([status, body]).toEqual([
      200,
      { batch_id: accepted.batch_id, total: 3, pending: 0, processing: 0, success: 3, failed: 0, tasks },
    ]);
    const { body: books } = await read<Book[]>("/books/");
    expect(books).toEqual([GATSBY, ORWELL, LEE].map(withoutPicture));
    const made = await Promise.all(accepted.task_ids.map((id) => taskStatus(id)));
    expect(made.map((task) => task.body.created_book_id)).toEqual(books.map(({ id }) => id));
  });
});

test("book upload, usage guide: signup, login, upload, polls and the list of books", async () => {
  expect((await signUp("u", "p", "u@example.com")).body).toEqual(session("u"));
  const { body } = await logIn("u", "p");
  const { batch_id } = (await upload(body.access)).body;
  expect(await succeeded(batch_id, body.access)).toMatchObject({
    batch_id,
    total: 3,
    pending: 0,
    processing: 0,
    success: 3,
    failed: 0,
  });
  expect((await read("/books/", body.access)).body).toEqual([GATSBY, ORWELL, LEE].map(withoutPicture));
});

test("book upload, deep dive: a file without descriptions has empty ones, and a failed row has its reason", async () => {
  const { body } = await upload(access_token, "title,author\nEmma,Jane Austen\n,Nobody\n");
  const [good = "", bad = ""] = body.task_ids;
  await until("both rows have ended", async () => {
    const { success, failed } = (await batchStatus(body.batch_id)).body;
    return success === 1 && failed === 1;
  });
  expect((await taskStatus(good)).body).toMatchObject({ status: "success", description: "" });
  expect((await taskStatus(bad)).body).toMatchObject({
    status: "failed",
    title: "",
    author: "Nobody",
    error_message: "title is required",
    completed_at: A_MOMENT,
    created_book_id: null,
  });
});

test("book upload, Postman: the sequence of six requests, by an account that exists", async () => {
  const again = await signUp("testuser", "testpass123", "test@example.com");
  expect([again.status, again.body.field_errors]).toEqual([
    400,
    { username: ["A user with that username already exists."] },
  ]);
  const token = (await logIn("testuser", "testpass123")).body.access;
  const before = (await read<Book[]>("/books/", token)).body.length;
  const { batch_id, task_ids } = (await upload(token)).body;
  const [task_id = ""] = task_ids;
  await succeeded(batch_id, token);
  const request = (path: string) =>
    replay<Record<string, unknown>>(
      client,
      `GET {{base_url}}${path}
      Authorization: Bearer {{token}}`,
      { token, task_id, batch_id },
    );
  expect((await request("/task-status/?task_id={{task_id}}")).body).toMatchObject({ status: "success" });
  expect((await request("/batch-status/?batch_id={{batch_id}}")).body).toMatchObject({ success: 3 });
  expect((await request("/books/")).body).toHaveLength(before + 3);
});

test("book upload, command line: its curl commands work as they are typed", async () => {
  const type = (command: string, env = {}) => typeCommand(rowmill, command, { files: FILES, env });
  const signup = JSON.parse(
    await type(`curl -X POST http://localhost:8000/signup/ \\
      -H "Content-Type: application/json" \\
      -d '{"username":"u","password":"p","email":"u@example.com"}'`),
  );
  // As after the usage guide, which signs the same user up.
  expect(signup.field_errors.username).toEqual(["A user with that username already exists."]);
  const TOKEN = await type(`TOKEN=$(curl -s -X POST http://localhost:8000/login/ \\
      -H "Content-Type: application/json" \\
      -d '{"username":"u","password":"p"}' | jq -r '.access')
    printf %s "$TOKEN"`);
  const accepted: Accepted = JSON.parse(
    await type(
      `curl -X POST http://localhost:8000/bulk-upload/ \\
        -H "Authorization: Bearer $TOKEN" \\
        -F "file=@test_books.csv"`,
      { TOKEN },
    ),
  );
  await succeeded(accepted.batch_id, TOKEN);
  const poll = await type(
    `curl http://localhost:8000/batch-status/?batch_id=${accepted.batch_id} \\
      -H "Authorization: Bearer $TOKEN" | jq .`,
    { TOKEN },
  );
  expect(JSON.parse(poll)).toMatchObject({ total: 3, success: 3 });
  const books = await type(
    `curl http://localhost:8000/books/ \\
      -H "Authorization: Bearer $TOKEN" | jq .`,
    { TOKEN },
  );
  expect(JSON.parse(books)).toEqual([GATSBY, ORWELL, LEE, GATSBY, ORWELL, LEE].map(withoutPicture));
});

test("book upload, database checks: the statements of docs/migrating.md list and count rows", async () => {
  const page = readFileSync(join(root, "docs/migrating.md"), "utf8");
  const statements = all(page, /```sql\n([\s\S]+?)```/g).flatMap((block) => block.trim().split(/;\n?/));
  const [books, rows, counts] = statements.filter((statement) => statement !== "");
  const query = async (statement = "") => (await rowmill.ctx.pool.query(statement)).rows;
  expect(await query(books)).toContainEqual(expect.objectContaining(GATSBY));
  expect(await query(rows)).toContainEqual({
    batch_id: A_UUID,
    row_number: 2,
    status: "success",
    fields: Object.values(GATSBY),
  });
  expect(await query(counts)).toContainEqual({ status: "failed", count: "1" });
});

test("book upload, response codes: 400, 401, 403 and 404 for its examples", async () => {
  const post = async (path: string, body: object) => (await client.post(path, body)).status;
  for (const body of [{ password: "p" }, { username: "testuser" }, {}])
    expect(await post("/login/", body)).toBe(400);
  for (const body of [{ username: "v" }, { password: "p" }, {}, { username: "v", password: "" }])
    expect(await post("/signup/", body)).toBe(400);
  expect((await logIn("testuser", "wrong")).status).toBe(401);
  expect((await logIn("nobody", "testpass123")).status).toBe(401);
  expect((await client.get("/books/")).status).toBe(401);
  const { access } = (await logIn("u", "p")).body;
  const [others] = (await read<Book[]>("/books/", access)).body;
  for (const action of ["edit", "delete"]) {
    const { status } = await replay(
      client,
      `POST /books/<id>/${action}/
      Authorization: Bearer <access_token>`,
      { access_token, id: others?.id ?? 0 },
    );
    expect(status).toBe(403);
  }
  expect((await read("/books/999/")).status).toBe(404);
});

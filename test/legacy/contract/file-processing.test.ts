/** The document of the Celery file-processing service, request by request, in its order. */
import { beforeAll, expect, test } from "vitest";
import type { Answer, Client, Problem } from "../../support/client.ts";
import { storedFile } from "../../support/files.ts";
import { A_MOMENT, A_NUMBER, A_UUID } from "../../support/formats.ts";
import { closeGate } from "../../support/gate.ts";
import { picture } from "../../support/pictures.ts";
import { replay, typeCommand } from "../../support/replay.ts";
import { until } from "../../support/until.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

interface Page {
  count: number;
  next: string | null;
  results: Record<string, unknown>[];
}

const BASIC = "Authorization: Basic base64(username:password)";
const TOKEN = "Authorization: Token <token>";

const rowmill = useRowmill();
let client: Client;
let token: string;
let bytes: number;
beforeAll(async () => {
  client = rowmill.client;
  // The documented password is one that only this endpoint accepts.
  await client.post("/signup/", { username: "username", password: "password" });
  const user = await client.logIn("username", "password");
  const made = await user.post<{ token: string }>("/api/v1/auth/tokens", { name: "poller" });
  token = made.body.token;
  const image = await picture("jpeg");
  bytes = image.length;
  for (const name of ["image.jpg", "file1.jpg", "file2.jpg", "file3.jpg"])
    await storedFile(user, image, { path: `/path/to/${name}`, name });
  await storedFile(user, "no picture", { path: "/path/to/broken.jpg", name: "broken.jpg" });
});

function send<T = Record<string, unknown>>(
  request: string,
  body?: string,
  authorization = BASIC,
): Promise<Answer<T>> {
  const head = `${request}\n${authorization}${body === undefined ? "" : "\nContent-Type: application/json"}`;
  return replay<T>(client, body === undefined ? head : `${head}\n\n${body}`, { token });
}

const create = (file: string, authorization = BASIC) =>
  send(
    "POST /api/tasks/create_task/",
    `{
      "file_path": "/path/to/${file}",
      "task_type": "image",
      "metadata": {
        "quality": "high",
        "resize": [1920, 1080]
      }
    }`,
    authorization,
  );

const CREATED = {
  id: A_UUID,
  celery_task_id: A_UUID,
  task_type: "image",
  file_name: "image.jpg",
  status: "pending",
  progress: 0,
  created_at: A_MOMENT,
};

/** A task that nobody has started. */
const WAITING = {
  id: A_UUID,
  celery_task_id: A_UUID,
  status: "pending",
  progress: 0,
  file_name: "image.jpg",
  error_message: null,
  retry_count: 0,
  created_at: A_MOMENT,
  started_at: null,
  completed_at: null,
  is_cancellable: true,
  is_retryable: false,
  elapsed_time: null,
};

let path: string;
const task = async () => (await send(`GET ${path}`)).body;
const untilStatus = (status: string) =>
  until(`the task is ${status}`, async () => {
    const found = await task();
    return found.status === status && found;
  });

test.each([
  ["/api/docs/", /^text\/html/],
  ["/api/redoc/", /^text\/html/],
  ["/api/schema/", /^application\/json/],
])("file processing, API documentation: %s", async (page, type) => {
  const { status, headers } = await client.get(page);
  expect([status, headers.get("content-type")]).toEqual([200, expect.stringMatching(type)]);
});

test("file processing, authentication: the curl command lists tasks with a name and a password", async () => {
  const output = await typeCommand(rowmill, "curl -u username:password http://localhost:8000/api/tasks/");
  expect(JSON.parse(output)).toEqual({ count: 0, next: null, results: [] });
  const { status, body } = await client.get<Problem>("/api/tasks/");
  expect([status, body.error]).toEqual([401, expect.any(String)]);
});

test("file processing, request 1: the list has pages of 20 tasks and every filter", async () => {
  for (const _ of Array(7))
    await send(
      "POST /api/tasks/bulk_create/",
      `{"file_paths": ["/path/to/file1.jpg", "/path/to/file2.jpg", "/path/to/file3.jpg"], "task_type": "image"}`,
    );
  const shown = {
    id: A_UUID,
    celery_task_id: A_UUID,
    status: "pending",
    task_type: "image",
    file_name: expect.stringMatching(/^file\d\.jpg$/),
    file_size: bytes,
    progress: 0,
    created_at: A_MOMENT,
    completed_at: null,
  };
  for (const authorization of [BASIC, TOKEN]) {
    const { status, body } = await send<Page>("GET /api/tasks/", undefined, authorization);
    expect([status, body.count, body.results]).toEqual([200, 21, Array(20).fill(shown)]);
    const next = new URL(body.next ?? "");
    const last = await send<Page>(`GET ${next.pathname}${next.search}`);
    expect(last.body).toEqual({ count: 21, next: null, results: [shown] });
  }
  const today = new Date().toISOString().slice(0, 10);
  for (const [query, count] of [
    ["status=pending", 21],
    ["status=processing", 0],
    ["status=completed", 0],
    ["status=failed", 0],
    ["status=cancelled", 0],
    ["task_type=image", 21],
    ["task_type=video", 0],
    ["task_type=document", 0],
    [`from_date=${today}`, 21],
    ["from_date=2024-01-01", 21],
    ["to_date=2024-12-31", 0],
    ["search=filename", 0],
    ["search=file1", 7],
    ["page=1", 21],
    ["page_size=20", 21],
    ["status=pending&task_type=image&from_date=2024-01-01&search=file1&page=1&page_size=20", 7],
  ] as const) {
    const { status, body } = await send<Page>(`GET /api/tasks/?${query}`);
    expect([query, status, body.count]).toEqual([query, 200, count]);
  }
});

test.each([BASIC, TOKEN])("file processing, request 2: a task is created (%s)", async (authorization) => {
  const { status, headers, body } = await create("image.jpg", authorization);
  expect([status, body]).toEqual([201, { ...CREATED, file_size: bytes }]);
  path = headers.get("location") ?? "";
});

test("file processing, request 3: a task is read by its id", async () => {
  const { status, body } = await send(`GET ${path}`, undefined, TOKEN);
  expect([status, body]).toEqual([200, { ...WAITING, file_size: bytes }]);
  expect(path).toBe(`/api/tasks/${body.id}/`);
});

test("file processing, request 4: a task is cancelled with a reason", async () => {
  const { status, body } = await send(
    `POST ${path}cancel/`,
    `{
      "reason": "User cancelled"
    }`,
  );
  expect([status, body]).toEqual([200, { status: "cancelled" }]);
  expect(await task()).toMatchObject({ status: "cancelled", is_cancellable: false, is_retryable: true });
  const { rows } = await rowmill.ctx.pool.query(
    "SELECT cancel_reason FROM rowmill.tasks WHERE status = 'cancelled'",
  );
  expect(rows).toEqual([{ cancel_reason: "User cancelled" }]);
});

test("file processing, request 5: a task is retried", async () => {
  const { status, body } = await send(
    `POST ${path}retry/`,
    `{
      "force": false
    }`,
    TOKEN,
  );
  expect([status, body]).toEqual([200, { status: "retrying" }]);
  expect(await task()).toMatchObject({ status: "pending", is_cancellable: true, is_retryable: false });
});

test("file processing, request 6: tasks are counted by status", async () => {
  const { status, body } = await send("GET /api/tasks/progress/");
  const counts = { pending: 23, processing: 0, completed: 0, failed: 0, cancelled: 0, total: 23 };
  expect([status, body]).toEqual([200, counts]);
});

test.each([true, false])(
  "file processing, request 7: tasks are created together (parallel: %j)",
  async (parallel) => {
    const { status, body } = await send(
      "POST /api/tasks/bulk_create/",
      `{
        "file_paths": [
          "/path/to/file1.jpg",
          "/path/to/file2.jpg",
          "/path/to/file3.jpg"
        ],
        "task_type": "image",
        "parallel": ${parallel}
      }`,
      TOKEN,
    );
    expect([status, body]).toEqual([201, { celery_task_id: A_UUID, status: "processing", files_count: 3 }]);
  },
);

test("file processing, statuses: a task goes from pending through processing to completed", async () => {
  await using gate = await closeGate(rowmill.ctx, "completeAny");
  await rowmill.startWorker();
  await gate.reached();
  const [started] = (await send<Page>("GET /api/tasks/?status=processing")).body.results;
  path = `/api/tasks/${started?.id}/`;
  const working = await task();
  expect(working).toEqual({
    ...WAITING,
    file_name: started?.file_name,
    file_size: bytes,
    status: "processing",
    progress: A_NUMBER,
    started_at: A_MOMENT,
    elapsed_time: A_NUMBER,
  });
  await gate.open();
  const done = await untilStatus("completed");
  expect(done).toEqual({
    ...working,
    status: "completed",
    progress: 100,
    elapsed_time: A_NUMBER,
    completed_at: A_MOMENT,
    is_cancellable: false,
  });
});

test("file processing, statuses: a task of a damaged file fails and can be retried", async () => {
  const { headers } = await create("broken.jpg");
  path = headers.get("location") ?? "";
  expect(await untilStatus("failed")).toMatchObject({
    error_message: expect.any(String),
    completed_at: A_MOMENT,
    is_cancellable: false,
    is_retryable: true,
  });
});

test("file processing, indexes: tasks are indexed by status and time, owner and status, and job", async () => {
  const { rows } = await rowmill.ctx.pool.query(
    "SELECT substring(indexdef FROM '\\((.*?)\\)') AS columns FROM pg_indexes WHERE schemaname = 'rowmill' AND tablename = 'tasks'",
  );
  const columns = rows.map((row) => row.columns);
  expect(columns).toEqual(expect.arrayContaining(["status, created_at", "user_id, status", "job_id"]));
});

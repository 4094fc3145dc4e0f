/** The document of the Task Queue & Notification API, request by request, in its order. */
import { beforeAll, describe, expect, test } from "vitest";
import { createTasks } from "../../../src/tasks/create/create-tasks.ts";
import { newAdmin } from "../../support/admin.ts";
import type { Client, Problem } from "../../support/client.ts";
import { A_JWT, A_MOMENT, A_NUMBER, A_SECRET, A_UUID } from "../../support/formats.ts";
import { closeGate } from "../../support/gate.ts";
import { replay } from "../../support/replay.ts";
import { makeBroken } from "../../support/task-client.ts";
import { until } from "../../support/until.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

interface Session {
  user: { id: number };
  tokens: { access: string; refresh: string };
}
interface One {
  task: { id: number; status: string; updated_at: string };
  cached: boolean;
}
interface Page {
  count: number;
  next: string | null;
  previous: string | null;
  results: { id: number }[];
}

const USER = { id: A_NUMBER, username: "john_doe", email: "john@example.com" };
const TOKENS = { refresh: A_SECRET, access: A_JWT };
const LISTED = {
  id: A_NUMBER,
  title: "Process Customer Data",
  status: "COMPLETED",
  created_at: A_MOMENT,
  updated_at: A_MOMENT,
};
const TASK = {
  id: A_NUMBER,
  user: USER,
  title: "Process Customer Data",
  description: "Import and process customer CSV file",
  status: "PENDING",
  result: null,
  celery_task_id: A_UUID,
  created_at: A_MOMENT,
  updated_at: A_MOMENT,
};

const rowmill = useRowmill({ settings: { GENERIC_TASK_SECONDS: "1" } });
let client: Client;
beforeAll(() => {
  client = rowmill.client;
});

let user: Session["user"];
let access_token: string;
let refresh: string;
let number: number;

const send = <T = Record<string, unknown>>(request: string) =>
  replay<T>(client, `${request}\nAuthorization: Bearer <access_token>`, { access_token });

describe("its authentication", () => {
  test("task queue, register: 201 with the user and tokens", async () => {
    const { status, body } = await replay<Session>(
      client,
      `POST /api/users/register/
      Content-Type: application/json

      {
        "username": "john_doe",
        "email": "john@example.com",
        "password": "SecurePass123!",
        "password2": "SecurePass123!",
        "first_name": "John",
        "last_name": "Doe"
      }`,
    );
    const message = "User registered successfully";
    expect([status, body]).toEqual([201, { user: USER, tokens: TOKENS, message }]);
    user = body.user;
    const { access } = body.tokens;
    const me = await client.get("/api/v1/auth/me", { authorization: `Bearer ${access}` });
    expect(me.body).toMatchObject({ id: user.id, role: "user", first_name: "John", last_name: "Doe" });
  });

  test("task queue, login: 200 with the user and tokens", async () => {
    const { status, body } = await replay<Session>(
      client,
      `POST /api/users/login/
      Content-Type: application/json

      {
        "username": "john_doe",
        "password": "SecurePass123!"
      }`,
    );
    expect([status, body]).toEqual([200, { user, tokens: TOKENS, message: "Login successful" }]);
    ({ refresh } = body.tokens);
  });

  test("task queue, refresh token: 200 with new tokens", async () => {
    const { status, body } = await replay<Session["tokens"]>(
      client,
      `POST /api/users/token/refresh/
      Content-Type: application/json

      ${JSON.stringify({ refresh })}`,
    );
    expect([status, body]).toEqual([200, TOKENS]);
    expect(body.refresh).not.toBe(refresh);
    access_token = body.access;
  });
});

describe("its tasks", () => {
  test("task queue, create task: 201 with a pending task", async () => {
    const { status, body } = await replay<One>(
      client,
      `POST /api/tasks/tasks/
      Authorization: Bearer <access_token>
      Content-Type: application/json

      {
        "title": "Process Customer Data",
        "description": "Import and process customer CSV file"
      }`,
      { access_token },
    );
    const message = "Task created and processing started";
    expect([status, body]).toEqual([201, { task: TASK, message }]);
    expect(body.task).toMatchObject({ user });
    number = body.task.id;
  });

  test("task queue, status flow: a task goes from PENDING through PROCESSING to COMPLETED or FAILED", async () => {
    const task = async () => (await send<One>(`GET /api/tasks/${number}/`)).body.task;
    const pending = await task();
    expect(pending).toEqual(TASK);
    await using gate = await closeGate(rowmill.ctx, "completeAny");
    await rowmill.startWorker();
    const processing = await until("it is started", async () => {
      const found = await task();
      return found.status !== "PENDING" && found;
    });
    const { updated_at } = processing;
    expect(processing).toEqual({ ...pending, status: "PROCESSING", updated_at });
    await gate.open();
    const failing = { title: "Process Customer Data" };
    await makeBroken(rowmill.ctx, { userId: user.id }, "gone", failing);
    const { results } = await until("the other one has failed", async () => {
      const { body } = await send<Page>("GET /api/tasks/tasks/?status=FAILED");
      return body.count === 1 && body;
    });
    expect(results).toEqual([{ ...LISTED, status: "FAILED" }]);
  });

  test("task queue, list tasks: pages, filters, search and order", async () => {
    const many = Array.from({ length: 25 }, () => ({
      type: "generic",
      title: "Process Customer Data",
      params: { seconds: 0 },
    }));
    await createTasks(rowmill.ctx, user.id, many, { together: "parallel", field: "tasks" });
    await until("all have ended", async () => {
      const { body } = await send<Page>("GET /api/tasks/tasks/?status=COMPLETED");
      return body.count === 26;
    });
    const { status, body } = await send<Page>("GET /api/tasks/tasks/");
    expect([status, body]).toMatchObject([
      200,
      { count: 27, next: `${rowmill.config.publicUrl}/api/tasks/tasks/?page=2`, previous: null },
    ]);
    expect(body.results).toHaveLength(20);
    expect((await send<Page>("GET /api/tasks/tasks/?status=COMPLETED")).body.results).toEqual(
      Array(20).fill(LISTED),
    );
    for (const [query, count] of [
      ["start_date=2025-11-01&end_date=2025-11-05", 0],
      ["start_date=2025-11-01", 27],
      ["search=title,description", 0],
      ["search=customer", 27],
      ["search=import,csv", 1],
    ] as const) {
      const found = await send<Page>(`GET /api/tasks/tasks/?${query}`);
      expect([query, found.status, found.body.count]).toEqual([query, 200, count]);
    }
    const ordered = await send<Page>("GET /api/tasks/tasks/?ordering=-created_at,status,updated_at");
    expect(ordered.body.results).toHaveLength(20);
    const oldest = await send<Page>("GET /api/tasks/tasks/?ordering=created_at");
    expect(oldest.body.results[0]).toMatchObject({ id: number });
  });

  test.each(["/api/tasks/<number>/", "/api/tasks/tasks/<number>/"])(
    "task queue, get single task: the result, and whether it was cached (%s)",
    async (path) => {
      const one = await until("it is cached", async () => {
        const { body } = await send<One>(`GET ${path.replace("<number>", String(number))}`);
        return body.cached && body;
      });
      const result = expect.stringMatching(/^Task completed successfully in 1 seconds at \d{4}-\d\d-\d\dT/);
      expect(one).toEqual({ task: { ...TASK, status: "COMPLETED", result }, cached: true });
    },
  );

  test("task queue, delete task: 200 with a message", async () => {
    const { status, body } = await send(`DELETE /api/tasks/tasks/${number}/`);
    expect([status, body]).toEqual([200, { message: `Task ${number} deleted successfully` }]);
    expect((await send(`GET /api/tasks/${number}/`)).status).toBe(404);
  });

  test("task queue, task statistics: counts by status", async () => {
    const { status, body } = await send("GET /api/tasks/stats/");
    const stats = Object.entries({ PENDING: 0, PROCESSING: 0, COMPLETED: 25, FAILED: 1, CANCELLED: 0 });
    expect([status, body]).toEqual([
      200,
      { stats: stats.map(([name, count]) => ({ status: name, count })), total: 26 },
    ]);
  });
});

test("task queue, admin: all users' tasks with their owners, and 403 for others", async () => {
  expect((await send("GET /api/admin/tasks/")).status).toBe(403);
  const admin = await newAdmin(rowmill);
  const asAdmin = (path: string) =>
    replay<{ count: number; tasks: object[] }>(
      client,
      `GET ${path}
      Authorization: Bearer <admin_access_token>`,
      { admin_access_token: admin.token },
    );
  const { status, body } = await asAdmin("/api/admin/tasks/");
  expect([status, body.count]).toEqual([200, 26]);
  const { id, title, status: _, ...dates } = LISTED;
  expect(body.tasks[0]).toEqual({ id, user: USER, title, status: expect.any(String), ...dates });
  const failed = await asAdmin("/api/admin/tasks/?status=FAILED");
  expect(failed.body).toEqual({ count: 1, tasks: [{ ...LISTED, user: USER, status: "FAILED" }] });
});

test("task queue, error handling: 400, 401 and 404 with error and field_errors", async () => {
  const refused = await replay<Problem>(
    client,
    `POST /api/tasks/tasks/
    Authorization: Bearer <access_token>
    Content-Type: application/json

    {}`,
    { access_token },
  );
  expect([refused.status, refused.body]).toMatchObject([
    400,
    { error: "title: This field is required.", field_errors: { title: ["This field is required."] } },
  ]);
  for (const path of [
    "/api/tasks/tasks/",
    `/api/tasks/${number}/`,
    "/api/tasks/stats/",
    "/api/admin/tasks/",
  ]) {
    const { status, body } = await client.get<Problem>(path);
    expect([status, body]).toMatchObject([401, { error: expect.any(String), field_errors: {} }]);
  }
  const unknown = await send<Problem>(`GET /api/tasks/${number}/`);
  expect([unknown.status, unknown.body]).toMatchObject([404, { error: expect.any(String) }]);
});

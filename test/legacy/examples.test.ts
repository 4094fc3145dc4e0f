/** Every request that the documents of the two task services show, as they show it, and what their clients read of the answer. */
import { beforeAll, describe, expect, test } from "vitest";
import { createTasks } from "../../src/tasks/create/create-tasks.ts";
import { newAdmin } from "../support/admin.ts";
import type { Answer, Client } from "../support/client.ts";
import { storedFile } from "../support/files.ts";
import { fileTasks, missing, taskQueue } from "../support/legacy-answers.ts";
import { picture } from "../support/pictures.ts";
import { until } from "../support/until.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const JSON_TYPE = { "content-type": "application/json" };
type Headers = Record<string, string>;

const rowmill = useRowmill({ settings: { GENERIC_TASK_SECONDS: "1" } });

/** Sends what the document shows, and holds the answer to the one that it shows. */
async function replay<T = Record<string, unknown>>(
  request: string,
  headers: Headers,
  body: string | null,
  [status, example]: readonly [number, object],
): Promise<Answer<T>> {
  const [method = "", path = ""] = request.split(" ");
  const init = body === null ? { headers } : { headers: { ...headers, ...JSON_TYPE }, body };
  const answer = await rowmill.client.send<T>(method, path, init);
  expect([answer.status, missing(example, answer.body)]).toEqual([status, []]);
  return answer;
}

/** A user whose tasks fill more than one page, as in the examples. */
async function fillPages({ userId }: Pick<Client, "userId">): Promise<void> {
  const many = Array.from({ length: 25 }, () => ({
    type: "generic",
    title: "Older",
    params: { seconds: 0 },
  }));
  await createTasks(rowmill.ctx, userId, many, { together: "parallel", field: "tasks" });
}

describe("the Celery file-processing service", () => {
  const TYPES = ["image", "video", "document"];
  let user: Client;
  let basic: Headers;
  let token: Headers;

  beforeAll(async () => {
    // The documented password is one that only this endpoint accepts.
    const account = { username: "username", password: "password" };
    await rowmill.client.post("/signup/", account);
    user = await rowmill.client.logIn(account.username, account.password);
    basic = { authorization: `Basic ${Buffer.from("username:password").toString("base64")}` };
    const made = await user.post<{ token: string }>("/api/v1/auth/tokens", { name: "poller" });
    token = { authorization: `Token ${made.body.token}` };
    for (const name of ["image.jpg", "file1.jpg", "file2.jpg", "file3.jpg"]) {
      await storedFile(user, await picture("jpeg"), { path: `/path/to/${name}`, name });
    }
    await fillPages(user);
  });

  const CREATE = `{
    "file_path": "/path/to/image.jpg",
    "task_type": "image",
    "metadata": {
      "quality": "high",
      "resize": [1920, 1080]
    }
  }`;
  const BULK = (parallel: boolean) => `{
    "file_paths": [
      "/path/to/file1.jpg",
      "/path/to/file2.jpg",
      "/path/to/file3.jpg"
    ],
    "task_type": "image",
    "parallel": ${parallel}
  }`;

  async function created(headers = basic): Promise<string> {
    const { headers: answered } = await replay("POST /api/tasks/create_task/", headers, CREATE, [
      201,
      fileTasks.created,
    ]);
    return answered.get("location") ?? "";
  }

  test("the file-processing examples list tasks with Basic authentication and with a token", async () => {
    await created();
    for (const headers of [basic, token]) {
      const { body } = await replay<{ results: object[] }>("GET /api/tasks/?task_type=image", headers, null, [
        200,
        { ...fileTasks.list, next: null },
      ]);
      expect(body.results.length).toBeGreaterThan(0);
      const { body: page } = await replay<{ results: { file_name: null }[] }>(
        "GET /api/tasks/?page=1&page_size=20&task_type=generic",
        headers,
        null,
        [
          200,
          {
            count: 100,
            next: "...",
            results: [{ ...fileTasks.list.results[0], file_name: null, file_size: null }],
          },
        ],
      );
      expect(page.results).toHaveLength(20);
    }
  });

  test("the file-processing examples use every filter", async () => {
    const statuses = ["pending", "processing", "completed", "failed", "cancelled"];
    const filters = [
      ...statuses.map((status) => `status=${status}`),
      ...TYPES.map((type) => `task_type=${type}`),
      "from_date=2024-01-01",
      "to_date=2024-12-31",
      "search=filename",
      "page=1",
      "page_size=20",
    ];
    for (const filter of [...filters, filters.slice(-5).join("&")]) {
      const { status } = await rowmill.client.get(`/api/tasks/?${filter}`, basic);
      expect([filter, status]).toEqual([filter, 200]);
    }
  });

  test("the file-processing examples create, read, cancel and retry a task", async () => {
    for (const headers of [basic, token]) {
      const path = await created(headers);
      const waiting = { ...fileTasks.one, started_at: null, elapsed_time: null };
      await replay(`GET ${path}`, headers, null, [200, waiting]);
      await replay(`POST ${path}cancel/`, headers, '{ "reason": "User cancelled" }', [
        200,
        fileTasks.cancelled,
      ]);
      await replay(`POST ${path}retry/`, headers, '{ "force": false }', [200, fileTasks.retried]);
      await replay("GET /api/tasks/progress/", headers, null, [200, fileTasks.progress]);
    }
  });

  test("the file-processing examples create parallel and sequential tasks", async () => {
    for (const parallel of [true, false]) {
      const { body } = await replay("POST /api/tasks/bulk_create/", token, BULK(parallel), [
        201,
        fileTasks.bulk,
      ]);
      expect(body).toMatchObject({ status: "processing", files_count: 3 });
    }
  });

  test("the tasks of the file-processing examples complete", async () => {
    const path = await created();
    await rowmill.startWorker();
    await until("nothing waits any more", async () => {
      const { body } = await rowmill.client.get<Record<string, number>>("/api/tasks/progress/", basic);
      return body.pending === 0 && body.processing === 0 && body;
    });
    const { body } = await replay(`GET ${path}`, basic, null, [200, fileTasks.one]);
    expect(body).toMatchObject({
      status: "completed",
      progress: 100,
      error_message: null,
      is_cancellable: false,
    });
  });
});

describe("the Task Queue & Notification API", () => {
  const REGISTER = `{
    "username": "john_doe",
    "email": "john@example.com",
    "password": "SecurePass123!",
    "password2": "SecurePass123!",
    "first_name": "John",
    "last_name": "Doe"
  }`;
  const LOGIN = `{ "username": "john_doe", "password": "SecurePass123!" }`;
  const CREATE = `{
    "title": "Process Customer Data",
    "description": "Import and process customer CSV file"
  }`;
  type Session = { user: { id: number }; tokens: { access: string; refresh: string } };

  let bearer: Headers;
  let number: number;

  beforeAll(async () => {
    const { body } = await replay<Session>("POST /api/users/register/", {}, REGISTER, [
      201,
      taskQueue.registered,
    ]);
    await fillPages({ userId: body.user.id });
    await rowmill.startWorker();
  });

  test("the task queue examples log in and refresh tokens", async () => {
    const { body } = await replay<Session>("POST /api/users/login/", {}, LOGIN, [200, taskQueue.loggedIn]);
    const refresh = JSON.stringify({ refresh: body.tokens.refresh });
    const fresh = await replay<Session["tokens"]>("POST /api/users/token/refresh/", {}, refresh, [
      200,
      { access: "eyJ0eXAiOiJKV1QiLCJhbGc..." },
    ]);
    bearer = { authorization: `Bearer ${fresh.body.access}` };
  });

  test("the task queue examples create a task and read it, also from the cache", async () => {
    const { body } = await replay<{ task: { id: number } }>("POST /api/tasks/tasks/", bearer, CREATE, [
      201,
      taskQueue.created,
    ]);
    expect(body).toMatchObject({ task: { status: "PENDING" }, message: taskQueue.created.message });
    number = body.task.id;
    for (const path of [`/api/tasks/${number}/`, `/api/tasks/tasks/${number}/`]) {
      await until("it is done", async () => {
        const { body: found } = await rowmill.client.get<typeof taskQueue.one>(path, bearer);
        return found.task.status === "COMPLETED" && found.cached;
      });
      const one = await replay<typeof taskQueue.one>(`GET ${path}`, bearer, null, [200, taskQueue.one]);
      expect(one.body.task.result).toMatch(/^Task completed successfully in \d+ seconds at \d{4}-\d\d-\d\dT/);
    }
  });

  test("the task queue examples list tasks by every parameter", async () => {
    for (const path of ["/api/tasks/tasks/", "/api/tasks/tasks/?ordering=-created_at,status,updated_at"]) {
      await replay(`GET ${path}`, bearer, null, [200, taskQueue.list]);
    }
    await replay("GET /api/tasks/tasks/?status=COMPLETED", bearer, null, [
      200,
      { ...taskQueue.list, next: null },
    ]);
    const nothing = { count: 0, next: null, previous: null };
    for (const query of ["start_date=2025-11-01&end_date=2025-11-05", "search=title,description"]) {
      await replay(`GET /api/tasks/tasks/?${query}`, bearer, null, [200, nothing]);
    }
  });

  test("the task queue examples count tasks and list all for administrators", async () => {
    await replay("GET /api/tasks/stats/", bearer, null, [200, taskQueue.stats]);
    const admin = await newAdmin(rowmill);
    const asAdmin = { authorization: `Bearer ${admin.token}` };
    await replay("GET /api/admin/tasks/", asAdmin, null, [200, taskQueue.all]);
    const { body } = await replay<{ tasks: object[] }>("GET /api/admin/tasks/?status=FAILED", asAdmin, null, [
      200,
      { count: 0 },
    ]);
    expect(body.tasks).toEqual([]);
    expect((await rowmill.client.get("/api/admin/tasks/", bearer)).status).toBe(403);
  });

  test("the task queue examples get the documented errors", async () => {
    const { body } = await replay("POST /api/tasks/tasks/", bearer, "{}", [400, taskQueue.refused]);
    expect(body.field_errors).toEqual(taskQueue.refused.field_errors);
    for (const path of [
      "/api/tasks/tasks/",
      `/api/tasks/${number}/`,
      "/api/tasks/stats/",
      "/api/admin/tasks/",
    ]) {
      const { status, body } = await rowmill.client.get(path);
      expect([status, typeof body.error]).toEqual([401, "string"]);
    }
  });

  test("the task queue examples delete a task", async () => {
    const { body } = await replay(`DELETE /api/tasks/tasks/${number}/`, bearer, null, [
      200,
      taskQueue.deleted,
    ]);
    expect(body).toEqual({ message: `Task ${number} deleted successfully` });
    expect((await rowmill.client.get(`/api/tasks/${number}/`, bearer)).status).toBe(404);
  });
});

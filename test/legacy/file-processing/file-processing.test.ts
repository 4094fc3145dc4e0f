/** The endpoints of the Celery file-processing service beyond the requests of its document. */
import { randomUUID } from "node:crypto";
import { basename } from "node:path";
import { describe, expect, test } from "vitest";
import { createTasks } from "../../../src/tasks/create/create-tasks.ts";
import type { Client, Problem } from "../../support/client.ts";
import { storedFile } from "../../support/files.ts";
import { until } from "../../support/until.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

interface Listed {
  id: string;
  celery_task_id: string;
  status: string;
  task_type: string;
  file_name: string | null;
  file_size: number | null;
  progress: number;
  created_at: string;
  completed_at: string | null;
}
interface Page {
  count: number;
  next: string | null;
  results: Listed[];
}

const CSV = Buffer.from("title,author\nEmma,Jane Austen\n");
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const rowmill = useRowmill();

/** A user who has files of these paths. */
async function userWith(...paths: string[]): Promise<Client> {
  const user = await rowmill.newUser();
  for (const path of paths) await storedFile(user, CSV, { path, name: basename(path) });
  return user;
}

function create(user: Client, body: unknown) {
  return user.post<Record<string, unknown>>("/api/tasks/create_task/", body);
}

async function list(user: Client, query = ""): Promise<Page> {
  const { status, body } = await user.get<Page>(`/api/tasks/${query}`);
  expect(status).toBe(200);
  return body;
}

async function generic(user: Client): Promise<string> {
  const { tasks } = await createTasks(rowmill.ctx, user.userId, [{ type: "generic", title: "Try" }]);
  return tasks[0]?.id ?? "";
}

describe("POST /api/tasks/create_task/", () => {
  test.each<[object, Record<string, unknown>]>([
    [{}, { file_path: ["This field is required."], task_type: ["This field is required."] }],
    [{ file_path: "" }, { file_path: ["This field may not be blank."] }],
    [{ file_path: "/etc/passwd" }, { file_path: [expect.any(String)] }],
    [{ file_path: "a\u0000b" }, { file_path: [expect.stringContaining("cannot be stored")] }],
    [
      { task_type: "sound" },
      { task_type: [expect.stringMatching(/^"sound" is not one of: .*batch_import/)] },
    ],
    [{ task_type: "generic" }, { file_path: ["must be absent: a task of type generic has no file."] }],
    [{ metadata: [1] }, { metadata: ["Expected an object."] }],
    [{ metadata: { name: "\ud800" } }, { metadata: [expect.stringContaining("cannot be stored")] }],
  ])("create_task answers 400 for %j and keeps nothing", async (wrong, fieldErrors) => {
    const user = await userWith("/books.csv");
    const isEmpty = Object.keys(wrong).length === 0;
    const body = isEmpty ? {} : { file_path: "/books.csv", task_type: "batch_import", ...wrong };
    const answer = await user.post<Problem>("/api/tasks/create_task/", body);
    expect([answer.status, answer.body.field_errors]).toEqual([400, fieldErrors]);
    expect(answer.body.error).toContain(Object.keys(fieldErrors)[0]);
    expect((await list(user)).count).toBe(0);
  });

  test("create_task refuses another user's file", async () => {
    await userWith("/theirs.csv");
    const user = await rowmill.newUser();
    const { status } = await create(user, { file_path: "/theirs.csv", task_type: "batch_import" });
    expect(status).toBe(400);
  });
});

describe("GET /api/tasks/", () => {
  test("the list of file tasks is paged by number, newest first", async () => {
    const user = await rowmill.newUser();
    const made: string[] = [];
    for (let n = 0; n < 5; n++) made.unshift(await generic(user));
    const first = await list(user, "?page_size=2&status=pending");
    expect(first).toEqual({
      count: 5,
      next: `${rowmill.config.publicUrl}/api/tasks/?page_size=2&status=pending&page=2`,
      results: first.results,
    });
    const second = await list(user, new URL(first.next ?? "").search);
    const third = await list(user, new URL(second.next ?? "").search);
    expect([...first.results, ...second.results, ...third.results].map(({ id }) => id)).toEqual(made);
    expect(third.next).toBeNull();
    const { status, body } = await user.get<Problem>("/api/tasks/?page_size=2&page=4");
    expect([status, body.error]).toEqual([404, "Invalid page."]);
  });

  test("the list of file tasks includes tasks without a file", async () => {
    const user = await rowmill.newUser();
    await generic(user);
    expect((await list(user)).results[0]).toMatchObject({
      task_type: "generic",
      file_name: null,
      file_size: null,
    });
  });

  test("the list of file tasks filters by status, type, date and file name", async () => {
    const user = await userWith("/a/Winter Photo.csv", "/b/summer_photo.csv");
    await create(user, { file_path: "/a/Winter Photo.csv", task_type: "batch_import" });
    await create(user, { file_path: "/b/summer_photo.csv", task_type: "batch_import" });
    const plain = await generic(user);
    await user.post(`/api/tasks/${plain}/cancel/`, { reason: "User cancelled" });
    // Tasks with lower numbers were created earlier.
    await rowmill.ctx.pool.query("UPDATE rowmill.tasks SET created_at = '2020-01-01' WHERE user_id <> $1", [
      user.userId,
    ]);
    await rowmill.ctx.pool.query(
      "UPDATE rowmill.tasks SET created_at = '2024-12-31T23:59:59.9Z' WHERE user_id = $1 AND file_path = '/a/Winter Photo.csv'",
      [user.userId],
    );
    const found = async (query: string) =>
      (await list(user, query)).results.map(({ file_name }) => file_name).sort();
    expect(await found("?status=cancelled")).toEqual([null]);
    expect(await found("?task_type=batch_import&status=pending")).toEqual([
      "Winter Photo.csv",
      "summer_photo.csv",
    ]);
    expect(await found("?task_type=generic")).toEqual([null]);
    expect(await found("?from_date=2024-01-01&to_date=2024-12-31")).toEqual(["Winter Photo.csv"]);
    expect(await found("?to_date=2024-12-30")).toEqual([]);
    expect(await found("?from_date=2025-01-01")).toEqual(["summer_photo.csv", null].sort());
    expect(await found("?search=PHOTO")).toEqual(["Winter Photo.csv", "summer_photo.csv"]);
    expect(await found("?search=winter%20p")).toEqual(["Winter Photo.csv"]);
    expect(await found("?search=r_p")).toEqual(["summer_photo.csv"]);
  });

  test.each([
    ["status=done", "status"],
    ["task_type=sound", "task_type"],
    ["from_date=2024-02-30", "from_date"],
    ["to_date=tomorrow", "to_date"],
    ["search=%00", "search"],
    ["page_size=-1", "page_size"],
  ])("the list of file tasks answers 400 for ?%s", async (query, field) => {
    const user = await rowmill.newUser();
    const { status, body } = await user.get<Problem>(`/api/tasks/?${query}`);
    expect([status, Object.keys(body.field_errors)]).toEqual([400, [field]]);
  });
});

describe("GET /api/tasks/{id}/", () => {
  test("a file task is read by its UUID in any case", async () => {
    const user = await rowmill.newUser();
    const id = await generic(user);
    expect((await user.get(`/api/tasks/${id.toUpperCase()}/`)).body).toMatchObject({ id, file_name: null });
  });

  test("a running file task shows its current duration", async () => {
    const user = await rowmill.newUser();
    const id = await generic(user);
    await rowmill.ctx.pool.query(
      "UPDATE rowmill.tasks SET status = 'processing', started_at = now() - interval '30 s', attempt = 1 WHERE id = $1",
      [id],
    );
    const elapsed = async () => Number((await user.get(`/api/tasks/${id}/`)).body.elapsed_time);
    const first = await elapsed();
    expect(first).toBeGreaterThanOrEqual(30);
    await until("time goes on", async () => (await elapsed()) > first);
  });

  test("another user's file task answers 404", async () => {
    const [owner, stranger] = [await rowmill.newUser(), await rowmill.newUser()];
    const id = await generic(owner);
    for (const path of [`/api/tasks/${id}/`, `/api/tasks/${randomUUID()}/`]) {
      expect((await stranger.get(path)).status).toBe(404);
      expect((await stranger.post(`${path}cancel/`, {})).status).toBe(404);
      expect((await stranger.post(`${path}retry/`, {})).status).toBe(404);
      expect((await stranger.delete(path)).status).toBe(404);
    }
    expect((await list(stranger)).count).toBe(0);
    expect((await owner.get(`/api/tasks/${id}/`)).body.status).toBe("pending");
  });
});

describe("cancel and retry", () => {
  test("cancel and retry need no body", async () => {
    const user = await rowmill.newUser();
    const id = await generic(user);
    expect((await user.post(`/api/tasks/${id}/cancel/`)).status).toBe(200);
    const headers = { "content-type": "application/json" };
    expect((await user.send("POST", `/api/tasks/${id}/retry/`, { headers })).status).toBe(200);
  });

  test("cancel and retry answer 409 in the wrong state", async () => {
    const user = await rowmill.newUser();
    const id = await generic(user);
    expect((await user.post(`/api/tasks/${id}/retry/`, { force: true })).status).toBe(409);
    await rowmill.ctx.pool.query(
      "UPDATE rowmill.tasks SET status = 'completed', completed_at = now() WHERE id = $1",
      [id],
    );
    expect((await user.post(`/api/tasks/${id}/cancel/`, {})).status).toBe(409);
    expect((await user.post(`/api/tasks/${id}/retry/`, { force: false })).status).toBe(409);
    expect((await user.post(`/api/tasks/${id}/retry/`, { force: true })).status).toBe(200);
  });

  test("cancel and retry answer 400 for an invalid body", async () => {
    const user = await rowmill.newUser();
    const id = await generic(user);
    for (const [verb, body, field] of [
      ["cancel", { reason: "a\u0000" }, "reason"],
      ["cancel", { reason: "x".repeat(1001) }, "reason"],
      ["retry", { force: "perhaps" }, "force"],
    ] as const) {
      const answer = await user.post<Problem>(`/api/tasks/${id}/${verb}/`, body);
      expect([answer.status, Object.keys(answer.body.field_errors)]).toEqual([400, [field]]);
    }
  });
});

describe("GET /api/tasks/progress/", () => {
  test.each(["/api/tasks/progress/", "/api/tasks/progress"])(
    "GET %s counts the user's own tasks",
    async (path) => {
      const user = await rowmill.newUser();
      await generic(user);
      await generic(user);
      await user.post(`/api/tasks/${await generic(user)}/cancel/`, {});
      expect((await user.get(path)).body).toEqual({
        pending: 2,
        processing: 0,
        completed: 0,
        failed: 0,
        cancelled: 1,
        total: 3,
      });
    },
  );
});

describe("POST /api/tasks/bulk_create/", () => {
  const PATHS = ["/path/to/file1.csv", "/path/to/file2.csv", "/path/to/file3.csv"];

  test.each<[string, boolean | undefined]>([
    ["/api/tasks/bulk_create/", true],
    ["/api/tasks/bulk_create", undefined],
    ["/api/tasks/bulk_create/", false],
  ])("POST %s creates one task per file (parallel: %j)", async (path, parallel) => {
    const user = await userWith(...PATHS);
    const { status, body } = await user.post(path, {
      file_paths: PATHS,
      task_type: "batch_import",
      parallel,
    });
    expect([status, body]).toEqual([
      201,
      { celery_task_id: expect.stringMatching(UUID), status: "processing", files_count: 3 },
    ]);
    const { rows } = await rowmill.ctx.pool.query(
      "SELECT file_path, group_id, after_id IS NULL AS is_free FROM rowmill.tasks WHERE user_id = $1 ORDER BY number",
      [user.userId],
    );
    expect(rows).toEqual(
      PATHS.map((file_path, index) => ({
        file_path,
        group_id: body.celery_task_id,
        is_free: parallel !== false || index === 0,
      })),
    );
  });

  test.each<[object, Record<string, unknown>]>([
    [{}, { file_paths: ["This field is required."], task_type: ["This field is required."] }],
    [{ file_paths: [] }, { file_paths: ["This list may not be empty."] }],
    [{ file_paths: [PATHS[0], "/none.csv"] }, { "file_paths.1": [expect.any(String)] }],
    [{ file_paths: [PATHS[0], ""] }, { "file_paths.1": ["This field may not be blank."] }],
    [{ file_paths: [PATHS[0], { a: 1 }] }, { "file_paths.1": ["Not a valid string."] }],
    [{ task_type: "sound" }, { task_type: [expect.stringMatching(/^"sound" is not one of/)] }],
    [{ task_type: "generic" }, { "file_paths.0": ["must be absent: a task of type generic has no file."] }],
    [{ parallel: "both" }, { parallel: ["Must be a valid boolean."] }],
  ])("bulk_create answers 400 for %j and creates nothing", async (wrong, fieldErrors) => {
    const user = await userWith(...PATHS);
    const isEmpty = Object.keys(wrong).length === 0;
    const body = isEmpty ? {} : { file_paths: PATHS, task_type: "batch_import", ...wrong };
    const answer = await user.post<Problem>("/api/tasks/bulk_create/", body);
    expect([answer.status, answer.body.field_errors]).toEqual([400, fieldErrors]);
    expect((await list(user)).count).toBe(0);
  });
});

/** The task endpoints of the Task Queue & Notification API beyond the requests of its document. */
import { describe, expect, test } from "vitest";
import { cancelTask } from "../../../src/tasks/control/cancel-task.ts";
import { createTasks } from "../../../src/tasks/create/create-tasks.ts";
import { newAdmin } from "../../support/admin.ts";
import { Client, type Problem } from "../../support/client.ts";
import { startRowmill } from "../../support/rowmill.ts";
import { until } from "../../support/until.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

interface Task {
  id: number;
  user: { id: number; username: string; email: string };
  title: string;
  description: string;
  status: string;
  result: string | null;
  celery_task_id: string;
  created_at: string;
  updated_at: string;
}
type Listed = Pick<Task, "id" | "title" | "status" | "created_at" | "updated_at">;
interface Page {
  count: number;
  next: string | null;
  previous: string | null;
  results: Listed[];
}
type One = { task: Task; cached: boolean };

const rowmill = useRowmill({ settings: { GENERIC_TASK_SECONDS: "0" } });

async function make(user: Client, title: string, description = ""): Promise<Task> {
  const { status, body } = await user.post<{ task: Task }>("/api/tasks/tasks/", { title, description });
  expect(status).toBe(201);
  return body.task;
}

async function list(user: Client, query = ""): Promise<Page> {
  const { status, body } = await user.get<Page>(`/api/tasks/tasks/${query}`);
  expect(status).toBe(200);
  return body;
}

const titles = ({ results }: Page) => results.map(({ title }) => title);

describe("POST /api/tasks/tasks/", () => {
  test("creating a legacy task accepts a form and no description", async () => {
    const user = await rowmill.newUser();
    const form = await user.send<{ task: Task }>("POST", "/api/tasks/tasks/", {
      body: new URLSearchParams({ title: " Émile & co " }),
    });
    expect([form.status, form.body.task]).toMatchObject([201, { title: "Émile & co", description: "" }]);
  });

  test.each<[unknown, Record<string, string[]>]>([
    [{}, { title: ["This field is required."] }],
    ["", { title: ["This field is required."] }],
    [{ title: "" }, { title: ["This field may not be blank."] }],
    [{ title: "  " }, { title: ["This field may not be blank."] }],
    [{ title: null }, { title: ["This field may not be blank."] }],
    [{ title: { a: 1 } }, { title: ["Not a valid string."] }],
    [{ title: "x".repeat(201) }, { title: ["Ensure this field has no more than 200 characters."] }],
    [
      { title: "a\u0000b" },
      { title: ["has a character that cannot be stored: U+0000, or half of a surrogate pair. Remove it."] },
    ],
  ])("creating a legacy task with %j answers 400", async (body, fieldErrors) => {
    const user = await rowmill.newUser();
    const answer =
      body === ""
        ? await user.send<Problem>("POST", "/api/tasks/tasks/", {
            headers: { "content-type": "application/json" },
          })
        : await user.post<Problem>("/api/tasks/tasks/", body);
    expect([answer.status, answer.body.field_errors]).toEqual([400, fieldErrors]);
    expect(answer.body.error).toBe(`title: ${fieldErrors.title?.[0]}`);
    expect((await list(user)).count).toBe(0);
  });
});

describe("GET /api/tasks/tasks/", () => {
  test("legacy tasks are paged by number, newest first, with links to next and previous", async () => {
    const user = await rowmill.newUser();
    const made: number[] = [];
    for (let n = 1; n <= 25; n++) made.unshift((await make(user, `Task ${n}`)).id);
    const first = await list(user, "?status=pending");
    expect(first).toMatchObject({
      count: 25,
      next: `${rowmill.config.publicUrl}/api/tasks/tasks/?status=pending&page=2`,
      previous: null,
    });
    expect(first.results.map(({ id }) => id)).toEqual(made.slice(0, 20));
    expect(Object.keys(first.results[0] ?? {})).toEqual([
      "id",
      "title",
      "status",
      "created_at",
      "updated_at",
    ]);
    const second = await list(user, new URL(first.next ?? "").search);
    expect(second).toMatchObject({
      next: null,
      previous: `${rowmill.config.publicUrl}/api/tasks/tasks/?status=pending`,
    });
    expect(second.results.map(({ id }) => id)).toEqual(made.slice(20));
    const third = await list(user, "?page_size=10&page=3&search=task");
    expect(third.previous).toBe(
      `${rowmill.config.publicUrl}/api/tasks/tasks/?page_size=10&search=task&page=2`,
    );
    expect(third.results).toHaveLength(5);
    expect((await list(user, "?page_size=1000000")).results).toHaveLength(25);
  });

  test.each(["0", "-1", "abc", "1.5", "2", "999999999", "99999999999"])(
    "has no page %s: 404",
    async (page) => {
      const user = await rowmill.newUser();
      await make(user, "Alone");
      const { status, body } = await user.get<Problem>(`/api/tasks/tasks/?page=${page}&page_size=1`);
      const isFar = page === "999999999";
      expect([status, isFar || body.error]).toEqual(isFar ? [400, true] : [404, "Invalid page."]);
      if (isFar) expect(body.error).toMatch(/^page: is after the first 100000 tasks/);
    },
  );

  test("an empty list of legacy tasks has a first page", async () => {
    const user = await rowmill.newUser();
    expect(await list(user)).toEqual({ count: 0, next: null, previous: null, results: [] });
  });

  test("legacy tasks are filtered by status, date and words, ignoring case", async () => {
    const user = await rowmill.newUser();
    const old = await make(user, "Old invoice", "Customer Data of 2025");
    const late = await make(user, "Late invoice", "customers 100%");
    await make(user, "Report", "customer_data");
    await cancelTask(rowmill.ctx, user.userId, await idOf(late.id));
    // Tasks with lower numbers were created earlier.
    await rowmill.ctx.pool.query("UPDATE rowmill.tasks SET created_at = '2020-01-01' WHERE user_id <> $1", [
      user.userId,
    ]);
    for (const [number, at] of [
      [old.id, "2025-11-01T00:00:00Z"],
      [late.id, "2025-11-05T23:59:59.999Z"],
    ]) {
      await rowmill.ctx.pool.query("UPDATE rowmill.tasks SET created_at = $2 WHERE number = $1", [
        number,
        at,
      ]);
    }
    const found = async (query: string) => titles(await list(user, query)).sort();
    expect(await found("?status=CANCELLED")).toEqual(["Late invoice"]);
    expect(await found("?status=Pending")).toEqual(["Old invoice", "Report"]);
    expect(await found("?start_date=2025-11-01&end_date=2025-11-05")).toEqual([
      "Late invoice",
      "Old invoice",
    ]);
    expect(await found("?start_date=2025-11-02&end_date=2025-11-05")).toEqual(["Late invoice"]);
    expect(await found("?end_date=2025-11-04")).toEqual(["Old invoice"]);
    expect(await found("?start_date=2025-11-06&end_date=9999-12-31")).toEqual(["Report"]);
    expect(await found("?search=INVOICE,customer")).toEqual(["Late invoice", "Old invoice"]);
    expect(await found("?search=data%20,%20customer")).toEqual(["Old invoice", "Report"]);
    expect(await found("?search=100%25")).toEqual(["Late invoice"]);
    expect(await found("?search=r_d")).toEqual(["Report"]);
    expect(await found("?search=,")).toEqual(["Late invoice", "Old invoice", "Report"]);
  });

  test("legacy tasks are ordered by several columns in both directions", async () => {
    const user = await rowmill.newUser();
    for (const title of ["b", "a", "c", "a"]) await make(user, title);
    const [first] = (await list(user, "?ordering=id")).results;
    await cancelTask(rowmill.ctx, user.userId, await idOf(first?.id ?? 0));
    const ordered = async (ordering: string) => titles(await list(user, `?ordering=${ordering}`)).join("");
    expect(await ordered("id")).toBe("baca");
    expect(await ordered("-id")).toBe("acab");
    expect(await ordered("created_at")).toBe("baca");
    expect(await ordered("title")).toBe("aabc");
    expect(await ordered("-title,id")).toBe("cbaa");
    expect(await ordered("status,-title")).toBe("bcaa");
    expect(await ordered("-updated_at")).toBe("baca");
    expect(await ordered("-created_at,status,updated_at")).toBe("acab");
  });

  test.each([
    ["status=DONE", "status"],
    ["start_date=2025-13-01", "start_date"],
    ["end_date=yesterday", "end_date"],
    ["end_date=0000-01-01", "end_date"],
    ["ordering=-created_at,password", "ordering"],
    ["search=%00", "search"],
    [`search=${"x".repeat(201)}`, "search"],
    ["page_size=0", "page_size"],
    ["page_size=many", "page_size"],
    ["status=FAILED&status=PENDING", "status"],
  ])("the list of legacy tasks answers 400 for ?%s", async (query, field) => {
    const user = await rowmill.newUser();
    const { status, body } = await user.get<Problem>(`/api/tasks/tasks/?${query}`);
    expect([status, Object.keys(body.field_errors)]).toEqual([400, [field]]);
    expect(body.error).toContain(field);
  });
});

async function idOf(number: number): Promise<string> {
  const { rows } = await rowmill.ctx.pool.query("SELECT id FROM rowmill.tasks WHERE number = $1", [number]);
  return rows[0].id;
}

describe("one task", () => {
  test.each(["/api/tasks/:id/", "/api/tasks/:id", "/api/tasks/tasks/:id/", "/api/tasks/tasks/:id"])(
    "is deleted at %s",
    async (path) => {
      const user = await rowmill.newUser();
      const { id } = await make(user, "Away");
      const own = path.replace(":id", String(id));
      await until("it is cached", async () => (await user.get<One>(own)).body.cached);
      const { status, body } = await user.delete(own);
      expect([status, body]).toEqual([200, { message: `Task ${id} deleted successfully` }]);
      expect((await user.get(own)).status).toBe(404);
      expect((await user.delete(own)).status).toBe(404);
    },
  );

  test("a legacy task can be cancelled and retried by its number", async () => {
    const user = await rowmill.newUser();
    const { id } = await make(user, "Back and forth");
    expect((await user.post(`/api/tasks/${id}/cancel/`, {})).body).toEqual({ status: "cancelled" });
    expect((await user.get<One>(`/api/tasks/${id}/`)).body.task.status).toBe("CANCELLED");
    expect((await user.post(`/api/tasks/${id}/retry/`, {})).body).toEqual({ status: "retrying" });
  });

  test.each(["0", "-1", "1.0", "999999999999999999999", "01995b1e", "none", "%00"])(
    "the id %s answers 404",
    async (id) => {
      const user = await rowmill.newUser();
      for (const path of [`/api/tasks/${id}/`, `/api/tasks/tasks/${id}/`]) {
        expect((await user.get(path)).status).toBe(404);
        expect((await user.delete(path)).status).toBe(404);
      }
      for (const verb of ["cancel", "retry"]) {
        expect((await user.post(`/api/tasks/${id}/${verb}/`, {})).status).toBe(404);
      }
    },
  );
});

describe("GET /api/tasks/stats/", () => {
  test.each(["/api/tasks/stats/", "/api/tasks/stats"])(
    "GET %s counts the user's own tasks by status",
    async (path) => {
      const user = await rowmill.newUser();
      for (const title of ["a", "b", "c"]) await make(user, title);
      const { id } = (await list(user)).results[0] ?? {};
      await user.post(`/api/tasks/${id}/cancel/`, {});
      expect((await user.get(path)).body).toEqual({
        stats: [
          { status: "PENDING", count: 2 },
          { status: "PROCESSING", count: 0 },
          { status: "COMPLETED", count: 0 },
          { status: "FAILED", count: 0 },
          { status: "CANCELLED", count: 1 },
        ],
        total: 3,
      });
    },
  );
});

describe("GET /api/admin/tasks/", () => {
  test("administrators list everybody's legacy tasks with owners, a thousand at a time", async () => {
    await using own = await startRowmill();
    const [user, other, admin] = [await own.newUser(), await own.newUser(), await newAdmin(own)];
    const { id: stopped } = await make(user, "Stopped");
    await user.post(`/api/tasks/${stopped}/cancel/`, {});
    const last = await make(other, "Last");
    const { status, body } = await admin.get<{ count: number; tasks: Task[] }>("/api/admin/tasks/");
    const { title, status: state, created_at, updated_at, user: owner } = last;
    expect([status, body]).toEqual([
      200,
      {
        count: 2,
        tasks: [
          { id: last.id, user: owner, title, status: state, created_at, updated_at },
          expect.objectContaining({ id: stopped, status: "CANCELLED" }),
        ],
      },
    ]);
    const cancelled = await admin.get<{ tasks: Task[] }>("/api/admin/tasks?status=cancelled");
    expect(cancelled.body.tasks.map(({ id }) => id)).toEqual([stopped]);
    expect((await admin.get("/api/admin/tasks/?status=gone")).status).toBe(400);
    expect((await user.get("/api/admin/tasks/")).status).toBe(403);

    const many = Array.from({ length: 1000 }, () => ({ type: "generic", title: "One of many" }));
    await createTasks(own.ctx, user.userId, many, { together: "parallel", field: "tasks" });
    const first = await admin.get<{ count: number; next: string; tasks: Task[] }>("/api/admin/tasks/");
    expect([first.body.count, first.body.tasks.length]).toEqual([1002, 1000]);
    expect(first.body.next).toBe(`${own.config.publicUrl}/api/admin/tasks/?page=2`);
    const second = await admin.get<{ tasks: Task[] }>("/api/admin/tasks/?page=2");
    expect(second.body.tasks.map(({ id }) => id)).toEqual([last.id, stopped]);
    expect(second.body).not.toHaveProperty("next");
  });

  test("operators may list everybody's legacy tasks", async () => {
    const operator = await newOperator();
    expect((await operator.get("/api/admin/tasks/")).status).toBe(200);
  });
});

async function newOperator(): Promise<Client> {
  const name = "operator";
  const user = await rowmill.client.signUp(name);
  await rowmill.ctx.pool.query("UPDATE rowmill.users SET role = 'operator' WHERE id = $1", [user.userId]);
  const { body } = await user.post<{ access: string; refresh: string; user: { id: number } }>(
    "/api/v1/auth/login",
    { username: name, password: "correct horse" },
  );
  return new Client(rowmill.url, rowmill.app, body);
}

describe("somebody else", () => {
  test("another user's legacy task answers 404", async () => {
    const [owner, stranger] = [await rowmill.newUser(), await rowmill.newUser()];
    const { id } = await make(owner, "Mine");
    for (const path of [`/api/tasks/${id}/`, `/api/tasks/tasks/${id}/`]) {
      await until("it is cached", async () => (await owner.get<One>(path)).body.cached);
      expect((await stranger.get(path)).status).toBe(404);
      expect((await stranger.delete(path)).status).toBe(404);
    }
    expect((await stranger.post(`/api/tasks/${id}/cancel/`, {})).status).toBe(404);
    expect((await stranger.post(`/api/tasks/${id}/retry/`, {})).status).toBe(404);
    expect((await list(stranger)).count).toBe(0);
    expect((await owner.get<One>(`/api/tasks/${id}/`)).body.task.status).toBe("PENDING");
  });
});

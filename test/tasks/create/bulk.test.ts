import { describe, expect, test } from "vitest";
import { BULK_MAX_BYTES } from "../../../src/tasks/create/task-body.ts";
import type { Problem } from "../../support/client.ts";
import { type Bulk, getTask, history, type Listed, rowsOf } from "../../support/task-client.ts";
import { useAdmin, useRowmill, useUserPerTest } from "../../support/use-rowmill.ts";

const rowmill = useRowmill();
const user = useUserPerTest(rowmill);
const admin = useAdmin(rowmill);

const PATH = "/api/v1/tasks/bulk";
const generic = (own: object = {}) => ({ type: "generic", params: { seconds: 0 }, ...own });
const many = (count: number) => Array.from({ length: count }, (_, index) => generic({ title: `${index}` }));

/** A list in a list, and so on. */
const nested = (depth: number): unknown => JSON.parse("[".repeat(depth) + "]".repeat(depth));

test("parallel tasks are created in order under one group", async () => {
  const { status, headers, body } = await user.post<Bulk>(PATH, { tasks: many(3) });
  expect(status).toBe(201);
  expect(body).toMatchObject({ count: 3, tasks: [{}, {}, {}] });
  expect(headers.get("location")).toBe(`/api/v1/tasks?group_id=${body.group_id}`);
  const { items } = (await user.get<Listed>(headers.get("location") ?? "")).body;
  expect(items.map(({ title }) => title)).toEqual(["2", "1", "0"]);
  expect(items.map(({ id, number, job_id }) => ({ id, number, job_id })).reverse()).toEqual(body.tasks);
  expect(items.every(({ group_id, after_id }) => group_id === body.group_id && after_id === null)).toBe(true);
  expect(await rowsOf(rowmill.ctx, user)).toEqual({ tasks: 3, jobs: 3 });
});

test("each sequential task waits for the one before, and only the first has a job", async () => {
  const { body } = await user.post<Bulk>(PATH, { tasks: many(3), order: "sequential" });
  const [first = "", second = "", third = ""] = body.tasks.map(({ id }) => id);
  expect(await getTask(user, first)).toMatchObject({ after_id: null, due_at: expect.any(String) });
  expect(await getTask(user, second)).toMatchObject({ status: "pending", after_id: first, due_at: null });
  expect(await getTask(user, third)).toMatchObject({ status: "pending", after_id: second, due_at: null });
  expect(await history(user, first)).toEqual(["created", "queued"]);
  expect(await history(user, second)).toEqual(["created"]);
  expect(await rowsOf(rowmill.ctx, user)).toEqual({ tasks: 3, jobs: 1 });
});

test("one request creates ten thousand tasks", async () => {
  const { status, body } = await user.post<Bulk>(PATH, { tasks: many(10_000) });
  expect([status, body.count, body.tasks.length]).toEqual([201, 10_000, 10_000]);
  expect(await rowsOf(rowmill.ctx, user)).toEqual({ tasks: 10_000, jobs: 10_000 });
  const numbers = body.tasks.map(({ number }) => number);
  expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
});

describe("no task is created if", () => {
  test.for<[what: string, body: object, field: string]>([
    [
      "the last of ten thousand is wrong",
      { tasks: [...many(9999), generic({ params: { seconds: -1 } })] },
      "tasks.9999.params.seconds",
    ],
    [
      "a param is wrong",
      { tasks: [...many(17), generic({ params: { seconds: "x" } })] },
      "tasks.17.params.seconds",
    ],
    ["a param is unknown", { tasks: [generic(), generic({ params: { width: 1 } })] }, "tasks.1.params.width"],
    ["a type is unknown", { tasks: [generic(), { type: "magic" }] }, "tasks.1.type"],
    ["a title is long", { tasks: [generic(), generic({ title: "x".repeat(201) })] }, "tasks.1.title"],
    ["a title has a NUL", { tasks: [generic(), generic({ title: "\0" })] }, "tasks.1.title"],
    [
      "metadata has a NUL in a name",
      { tasks: [generic({ metadata: { a: [{ "\0": 1 }] } })] },
      "tasks.0.metadata",
    ],
    ["metadata is deep", { tasks: [generic({ metadata: { deep: nested(3800) } })] }, "tasks.0.metadata"],
    ["a param is deep", { tasks: [generic({ params: { seconds: nested(3800) } })] }, "tasks.0.params"],
    ["a tag has half of a surrogate pair", { tasks: [generic({ tags: ["a", "\ud800"] })] }, "tasks.0.tags"],
    ["a field is unknown", { tasks: [generic(), generic({ prams: {} })] }, "tasks.1.prams"],
    ["one has no type", { tasks: [generic(), {}] }, "tasks.1.type"],
    ["one is no object", { tasks: [generic(), "generic"] }, "tasks.1"],
    ["metadata is much", { tasks: [generic({ metadata: { x: "x".repeat(17_000) } })] }, "tasks.0.metadata"],
    [
      "a file is named twice",
      { tasks: [generic({ file_path: "a", file_id: crypto.randomUUID() })] },
      "tasks.0.file_path",
    ],
    ["a file is nowhere", { tasks: [generic(), generic({ file_path: "nowhere" })] }, "tasks.1.file_path"],
    ["the list is empty", { tasks: [] }, "tasks"],
    ["there are too many", { tasks: many(10_001) }, "tasks"],
    ["it is not a list", { tasks: generic() }, "tasks"],
    ["nothing is sent", {}, "tasks"],
    ["the order is no order", { tasks: many(2), order: "random" }, "order"],
    ["the body has more", { tasks: many(2), parallel: true }, "parallel"],
  ])("%s", async ([_, sent, field]) => {
    const { status, body } = await user.post<Problem>(PATH, sent);
    expect([status, body.code]).toEqual([400, "invalid_input"]);
    expect(Object.keys(body.field_errors)).toContain(field);
    expect(await rowsOf(rowmill.ctx, user)).toEqual({ tasks: 0, jobs: 0 });
  });

  test("several tasks are wrong: the answer names up to a hundred fields, the first one in the sentence", async () => {
    const wrong = Array.from({ length: 300 }, (_, at) => generic({ params: { seconds: at % 2 ? -1 : 0 } }));
    const { body } = await user.post<Problem>(PATH, { tasks: wrong });
    const fields = Object.keys(body.field_errors);
    expect(fields).toHaveLength(100);
    expect(fields.slice(0, 2)).toEqual(["tasks.1.params.seconds", "tasks.3.params.seconds"]);
    expect(body.detail).toMatch(/^tasks\.1\.params\.seconds: must be at least 0\. .* And 95 more\.$/);
  });

  test("a file belongs to another user: no task is created", async () => {
    const other = await rowmill.newUser();
    const id = crypto.randomUUID();
    await rowmill.ctx.pool.query(
      `INSERT INTO rowmill.files (id, user_id, name, media_type, bytes, sha256, origin, path)
      VALUES ($1, $2, 'a.txt', 'text/plain', 0, '', 'upload', 'a.txt')`,
      [id, other.userId],
    );
    for (const [field, value] of [
      ["file_id", id],
      ["file_path", "a.txt"],
    ] as const) {
      const { status, body } = await user.post<Problem>(PATH, {
        tasks: [generic(), generic({ [field]: value })],
      });
      expect([status, Object.keys(body.field_errors)]).toEqual([400, [`tasks.1.${field}`]]);
      expect(body.detail).toContain("does not name one of your files");
    }
    expect(await rowsOf(rowmill.ctx, user)).toEqual({ tasks: 0, jobs: 0 });
  });

  test("the database refuses one of the jobs: no task is created", async () => {
    const { pool } = rowmill.ctx;
    await pool.query(`CREATE FUNCTION rowmill.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.title = 'refused' THEN RAISE EXCEPTION 'no'; END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER refuse BEFORE INSERT ON rowmill.tasks FOR EACH ROW EXECUTE FUNCTION rowmill.refuse()`);
    const { status } = await user.post(PATH, { tasks: [...many(5), generic({ title: "refused" })] });
    await pool.query("DROP FUNCTION rowmill.refuse CASCADE");
    expect(status).toBe(500);
    expect(await rowsOf(rowmill.ctx, user)).toEqual({ tasks: 0, jobs: 0 });
  });
});

test("tasks of several queues have the jobs of their queues, due when they are, and with their priorities", async () => {
  const start_after = new Date(Date.now() + 3_600_000).toISOString();
  const tasks = [
    generic({ priority: 9 }),
    { type: "cleanup_old_logs", priority: 1 },
    generic({ start_after }),
    { type: "send_welcome_email", params: { user_id: admin.userId } },
  ];
  const { status, body } = await admin.post<Bulk>(PATH, { tasks });
  expect(status).toBe(201);
  const { rows } = await rowmill.ctx.pool.query(
    `SELECT job.id, name, data, priority, group_id, start_after > now() AS is_later FROM rowmill_queue.job
    WHERE group_id = $1 ORDER BY start_after, array_position($2::uuid[], id)`,
    [admin.userId, body.tasks.map(({ job_id }) => job_id)],
  );
  const [first, second, later, last] = body.tasks;
  const jobOf = (task: typeof first, type: string, name: string, priority: number) => ({
    ...{ id: task?.job_id, name, priority, group_id: String(admin.userId), is_later: task === later },
    data: { taskId: task?.id, run: 1, type },
  });
  expect(rows).toEqual([
    jobOf(first, "generic", "task.default", 9),
    jobOf(second, "cleanup_old_logs", "task.default", 1),
    jobOf(last, "send_welcome_email", "task.notifications", 5),
    jobOf(later, "generic", "task.default", 5),
  ]);
});

test("a body may be as large as documented and no larger", async () => {
  const sized = (bytes: number) => {
    const empty = JSON.stringify({ tasks: [generic()], pad: "" }).length;
    return { tasks: [generic()], pad: "x".repeat(bytes - empty) };
  };
  expect((await user.post(PATH, sized(BULK_MAX_BYTES))).status).toBe(400);
  const { status, body } = await user.post<Problem>(PATH, sized(BULK_MAX_BYTES + 1));
  expect([status, body.code]).toEqual([413, "too_large"]);
});

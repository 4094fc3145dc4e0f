import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { changePages, changeTasks, countChangeable } from "../../src/tasks/control/change-tasks.ts";
import { createTasks } from "../../src/tasks/create/create-tasks.ts";
import { listEvents } from "../../src/tasks/history.ts";
import { getTask } from "../../src/tasks/queries.ts";
import type { TaskView } from "../../src/tasks/views.ts";
import { newAdmin } from "../support/admin.ts";
import type { Client, Problem } from "../support/client.ts";
import { startRowmill } from "../support/rowmill.ts";
import { endedTask, newTask } from "../support/tasks.ts";
import { useAdmin, useRowmill } from "../support/use-rowmill.ts";

const TASKS = "/api/v1/admin/tasks";

const rowmill = useRowmill();
const admin = useAdmin(rowmill);
const operator = useAdmin(rowmill, "operator", "operator");

/** Tasks of a new user, with a tag of their own. */
async function newTasks(count: number): Promise<{ user: Client; tag: string; ids: string[] }> {
  const user = await rowmill.newUser();
  const tag = randomUUID();
  const requests = Array.from({ length: count }, (_, n) => ({
    type: "generic",
    tags: [tag],
    title: `Task ${n}`,
  }));
  const { tasks } = await createTasks(rowmill.ctx, user.userId, requests, { together: "parallel" });
  return { user, tag, ids: tasks.map(({ id }) => id) };
}

type Page = { items: TaskView[]; next_cursor: string | null };

async function jobsOf(ids: readonly string[]): Promise<number> {
  const { rows } = await rowmill.ctx.pool.query(
    "SELECT count(*)::int AS count FROM rowmill_queue.job WHERE data->>'taskId' = ANY($1)",
    [ids],
  );
  return rows[0].count;
}

describe("who is let in", () => {
  test.each([
    ["GET", "/api/v1/admin/tasks"],
    ["GET", `/api/v1/admin/tasks/${randomUUID()}`],
    ["GET", `/api/v1/admin/tasks/${randomUUID()}/history`],
    ["POST", "/api/v1/admin/tasks/delete"],
    ["GET", "/api/v1/admin/queues"],
    ["POST", "/api/v1/admin/queues/default/pause"],
    ["POST", "/api/v1/admin/queues/default/resume"],
    ["POST", "/api/v1/admin/queues/default/purge"],
    ["GET", "/api/v1/admin/workers"],
    ["GET", "/api/v1/admin/jobs"],
    ["GET", "/api/v1/admin/registered"],
    ["GET", "/api/v1/admin/statistics"],
  ])("a user may not call %s %s", async (method, path) => {
    const user = await rowmill.newUser();
    const { status, body } = await user.send<Problem>(method, path);
    expect({ status, code: body.code }).toEqual({ status: 403, code: "forbidden" });
    expect((await rowmill.client.send(method, path)).status).toBe(401);
  });

  test("an operator may list everybody's tasks", async () => {
    expect((await operator.get(TASKS)).status).toBe(200);
    expect((await operator.post(`${TASKS}/delete`, { filter: { tag: "none" } })).status).toBe(200);
  });
});

describe("listing", () => {
  test("administrators list everybody's tasks, newest first, in pages", async () => {
    const { tag, ids, user } = await newTasks(5);
    const other = await newTask(rowmill.ctx, (await rowmill.newUser()).userId, 0, { tags: [tag] });
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const query = new URLSearchParams({ tag, limit: "2", ...(cursor ? { cursor } : {}) });
      const { body }: { body: Page } = await operator.get<Page>(`${TASKS}?${query}`);
      expect(body.items.length).toBeLessThanOrEqual(2);
      seen.push(...body.items.map(({ id }) => id));
      cursor = body.next_cursor;
    } while (cursor);
    expect(seen).toEqual([other, ...ids.toReversed()]);
    const { body } = await operator.get<Page>(`${TASKS}?tag=${tag}&user_id=${user.userId}`);
    expect(body.items.map(({ id }) => id)).toEqual(ids.toReversed());
    expect((await admin.get<TaskView>(`${TASKS}/${ids[0]}`)).body).toMatchObject({ id: ids[0], tags: [tag] });
  });

  test("administrators filter tasks by every field", async () => {
    const { tag, ids } = await newTasks(2);
    const [first] = (await operator.get<Page>(`${TASKS}?tag=${tag}`)).body.items;
    const past = "2000-01-01T00:00:00Z";
    const of = async (query: string) =>
      (await operator.get<Page>(`${TASKS}?tag=${tag}&${query}`)).body.items.length;
    expect(await of("status=pending&status=failed")).toBe(2);
    expect(await of("status=failed")).toBe(0);
    expect(await of("type=generic&queue=default")).toBe(2);
    expect(await of("queue=notifications")).toBe(0);
    expect(await of(`group_id=${first?.group_id}`)).toBe(2);
    expect(await of(`group_id=${randomUUID()}`)).toBe(0);
    expect(await of(`from=${past}`)).toBe(2);
    expect(await of(`to=${past}`)).toBe(0);
    expect(await of("search=TASK%201")).toBe(1);
    expect(await of(`ids=${ids[0]}`)).toBe(1);
    expect(await of(`ids=${randomUUID()}`)).toBe(0);
    expect(await of("search=%25")).toBe(0);
    expect(ids).toHaveLength(2);
  });

  test.each([
    ["status=lost", "status"],
    ["queue=none", "queue"],
    ["user_id=x", "user_id"],
    ["from=yesterday", "from"],
    ["from=2026-06-30T23:59:60Z", "from"],
    ["to=0000-01-01T00:00:00Z", "to"],
    ["tag=%00", "tag"],
    ["cursor=!", "cursor"],
    ["limit=0", "limit"],
  ])("the list of all tasks refuses ?%s and names the field", async (query, field) => {
    const { status, body } = await operator.get<Problem>(`${TASKS}?${query}`);
    expect({ status, fields: Object.keys(body.field_errors) }).toEqual({ status: 400, fields: [field] });
  });

  test("an operator reads the history of the task of a user", async () => {
    const { ids } = await newTasks(1);
    const { status, body } = await operator.get<{ items: { type: string }[] }>(`${TASKS}/${ids[0]}/history`);
    expect({ status, first: body.items[0]?.type }).toEqual({ status: 200, first: "created" });
    expect((await operator.get(`${TASKS}/${randomUUID()}/history`)).status).toBe(404);
  });

  test("an administrator gets 404 for an unknown task", async () => {
    expect((await operator.get(`${TASKS}/${randomUUID()}`)).status).toBe(404);
    expect((await operator.get(`${TASKS}/1`)).status).toBe(400);
  });
});

describe("changing many", () => {
  test("a bulk change counts first and changes exactly the counted tasks", async () => {
    const { tag, ids } = await newTasks(3);
    const filter = { tag };
    expect((await operator.post(`${TASKS}/cancel`, { filter })).body).toEqual({ matched: 3, changed: 0 });
    const { status, body } = await operator.post<Problem>(`${TASKS}/cancel`, { filter, expect: 4 });
    expect({ status, detail: body.detail }).toMatchObject({
      status: 409,
      detail: expect.stringContaining("`expect` is 4, but 3 match"),
    });
    expect((await getTask(rowmill.ctx, null, ids[0] ?? "")).status).toBe("pending");
    const done = await operator.post(`${TASKS}/cancel`, { filter, expect: 3, reason: "Sent twice." });
    expect(done.body).toEqual({ matched: 3, changed: 3 });
    expect(await jobsOf(ids)).toBe(0);
    for (const id of ids) {
      const task = await getTask(rowmill.ctx, null, id);
      expect(task).toMatchObject({ status: "cancelled", cancelReason: "Sent twice." });
      const { items: events } = await listEvents(rowmill.ctx, id, 0, 10);
      expect(events.at(-1)).toMatchObject({ type: "cancelled", actorId: operator.userId });
    }
    // Nothing is left to cancel, and those that are cancelled can be tried again.
    expect((await operator.post(`${TASKS}/cancel`, { filter, expect: 0 })).body).toEqual({
      matched: 0,
      changed: 0,
    });
    const retried = await operator.post(`${TASKS}/retry`, { filter, expect: 3 });
    expect(retried.body).toEqual({ matched: 3, changed: 3 });
    expect(await jobsOf(ids)).toBe(3);
    const deleted = await operator.post(`${TASKS}/delete`, { filter, expect: 3 });
    expect(deleted.body).toEqual({ matched: 3, changed: 3 });
    expect(await jobsOf(ids)).toBe(0);
    expect((await operator.get(`${TASKS}/${ids[0]}`)).status).toBe(404);
  });

  test("a bulk retry runs completed tasks again only with force", async () => {
    await using rowmill = await startRowmill();
    const operator = await newAdmin(rowmill, "op", "operator");
    await rowmill.startWorker();
    const id = await newTask(rowmill.ctx, (await rowmill.newUser()).userId);
    await endedTask(rowmill.ctx, id);
    expect((await operator.post(`${TASKS}/retry`, { filter: {} })).body).toMatchObject({ matched: 0 });
    const forced = await operator.post(`${TASKS}/retry`, { filter: {}, force: true, expect: 1 });
    expect(forced.body).toEqual({ matched: 1, changed: 1 });
    expect(await endedTask(rowmill.ctx, id)).toMatchObject({ status: "completed", attempt: 2 });
  });

  test("a bulk change covers thousands of tasks and chains, and skips tasks created after the count", async () => {
    await using rowmill = await startRowmill();
    const { ctx } = rowmill;
    const { userId } = await rowmill.newUser();
    const requests = Array.from({ length: 1200 }, () => ({ type: "generic" }));
    await createTasks(ctx, userId, requests, { together: "parallel" });
    await createTasks(ctx, userId, requests, { together: "sequential" });
    const change = { action: "cancel", filter: { userId } } as const;
    const { matched, newest } = await countChangeable(ctx, change);
    expect(matched).toBe(2400);
    const late = await newTask(ctx, userId);
    expect(await changePages(ctx, change, newest, 60)).toBe(2400);
    expect((await getTask(ctx, null, late)).status).toBe("pending");
    const { rows } = await ctx.pool.query(
      "SELECT count(*)::int AS jobs FROM rowmill_queue.job WHERE name = 'task.default'",
    );
    expect(rows[0].jobs).toBe(1);
  });

  test("a bulk change that takes too long stops and returns its progress", async () => {
    const { tag } = await newTasks(1001);
    const change = { action: "delete", filter: { tag }, expect: 1001 } as const;
    expect(await changeTasks(rowmill.ctx, change, 0)).toEqual({ matched: 1001, changed: 1000 });
    const rest = await changeTasks(rowmill.ctx, { ...change, expect: 1 });
    expect(rest).toEqual({ matched: 1, changed: 1 });
  });

  test.each([
    [{}, "filter"],
    [{ filter: { statuses: ["failed"] } }, "filter"],
    [{ filter: { status: ["lost"] } }, "status"],
    [{ filter: {}, expect: -1 }, "expect"],
    [{ filter: {}, reason: "\u0000" }, "reason"],
  ])("a bulk change refuses %j and names the field", async (request, field) => {
    const { status, body } = await operator.post<Problem>(`${TASKS}/cancel`, request);
    expect(status).toBe(400);
    expect(Object.keys(body.field_errors)).toContain(field);
  });
});

/** The events `created` and `queued` of a new task are not stored. */
import { expect, test } from "vitest";
import { lockOwners } from "../../../src/accounts/lock-owners.ts";
import { inTransaction } from "../../../src/context.ts";
import { createTasks } from "../../../src/tasks/create/create-tasks.ts";
import { type Bulk, getTask, type Listed } from "../../support/task-client.ts";
import { useRowmill, useUserPerTest } from "../../support/use-rowmill.ts";

const rowmill = useRowmill();
const user = useUserPerTest(rowmill);

const generic = { type: "generic", params: { seconds: 0 } };
interface Event {
  readonly type: string;
  readonly actor_id: number | null;
  readonly created_at: string;
}

async function create(count: number, order = "parallel") {
  const tasks = Array.from({ length: count }, () => generic);
  const { body } = await user.post<Bulk>("/api/v1/tasks/bulk", { tasks, order });
  return body.tasks;
}

async function historyOf(id: string): Promise<Event[]> {
  return (await user.get<Listed<Event>>(`/api/v1/tasks/${id}/history`)).body.items;
}

async function countStored(ids: readonly string[]) {
  const { rows } = await rowmill.ctx.pool.query<{ count: number }>(
    "SELECT count(*)::int FROM rowmill.task_events WHERE task_id = ANY($1)",
    [ids],
  );
  return rows[0]?.count;
}

test("the history of a new task says who created it and when, though nothing is stored", async () => {
  const [{ id = "" } = {}] = await create(1);
  const { created_at } = await getTask(user, id);
  const shared = { actor_id: user.userId, created_at, message: "", metadata: null };
  expect(await historyOf(id)).toEqual([
    { type: "created", ...shared },
    { type: "queued", ...shared },
  ]);
  expect(await countStored([id])).toBe(0);
});

test("a task that Rowmill created has no actor in its history", async () => {
  const { tasks } = await createTasks(rowmill.ctx, user.userId, [generic]);
  const events = await historyOf(tasks[0]?.id ?? "");
  expect(events.map(({ type, actor_id }) => [type, actor_id])).toEqual([
    ["created", null],
    ["queued", null],
  ]);
});

/** The history, read in pages of this size. */
async function pagesOf(id: string, limit: number): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const query: string = cursor === "" ? "" : `&cursor=${cursor}`;
    const { body } = await user.get<Listed<Event> & { next_cursor: string | null }>(
      `/api/v1/tasks/${id}/history?limit=${limit}${query}`,
    );
    found.push(...body.items.map(({ type }) => type));
    cursor = body.next_cursor;
  }
  return found;
}

test.for([1, 2, 3, 4])(
  "pages of %i events lead from the derived events to the stored ones",
  async (limit) => {
    const [{ id = "" } = {}, { id: other = "" } = {}] = await create(2);
    for (const each of [id, other]) await user.post(`/api/v1/tasks/${each}/cancel`, {});
    expect(await pagesOf(id, limit)).toEqual(["created", "queued", "cancelled"]);
  },
);

test("the history of a task of another user is not found, with or without a cursor", async () => {
  const [{ id = "" } = {}] = await create(1);
  const stranger = await rowmill.newUser();
  for (const query of ["", "?cursor=LTI", "?cursor=LTE"]) {
    expect((await user.get(`/api/v1/tasks/${id}/history${query}`)).status).toBe(200);
    expect((await stranger.get(`/api/v1/tasks/${id}/history${query}`)).status).toBe(404);
  }
  // -4 precedes everything, so no page ends there.
  expect((await user.get(`/api/v1/tasks/${id}/history?cursor=LTQ`)).status).toBe(400);
});

test("a task that waits for another one keeps its history when the other one is deleted", async () => {
  const [first, second] = await create(2, "sequential");
  await user.delete(`/api/v1/tasks/${first?.id}`);
  const events = await historyOf(second?.id ?? "");
  expect(events.map(({ type }) => type)).toEqual(["created", "cancelled"]);
});

test("the stored events of a task of an earlier version are shown once", async () => {
  const [{ id = "" } = {}] = await create(1);
  await rowmill.ctx.pool.query("UPDATE rowmill.tasks SET created_by = NULL WHERE id = $1", [id]);
  await rowmill.ctx.pool.query(
    "INSERT INTO rowmill.task_events (task_id, type, actor_id) VALUES ($1, 'created', $2), ($1, 'queued', $2)",
    [id, user.userId],
  );
  const events = await historyOf(id);
  expect(events.map(({ type, actor_id }) => [type, actor_id])).toEqual([
    ["created", user.userId],
    ["queued", user.userId],
  ]);
  await user.post(`/api/v1/tasks/${id}/cancel`, {});
  for (const limit of [1, 2, 3]) expect(await pagesOf(id, limit)).toEqual(["created", "queued", "cancelled"]);
});

test("no task is created for an account that does not exist, and none while it is being removed", async () => {
  const gone = 999_999_999;
  await expect(createTasks(rowmill.ctx, gone, [generic])).rejects.toMatchObject({ code: "unauthenticated" });
  const { rows } = await rowmill.ctx.pool.query("SELECT FROM rowmill.tasks WHERE user_id = $1", [gone]);
  expect(rows).toEqual([]);
  await inTransaction(rowmill.ctx, async (tx) => {
    await createTasks(tx, user.userId, [generic]);
    const removal = rowmill.ctx.pool.query("SELECT FROM rowmill.users WHERE id = $1 FOR UPDATE NOWAIT", [
      user.userId,
    ]);
    await expect(removal).rejects.toMatchObject({ code: "55P03" });
    await lockOwners(tx, [user.userId]);
  });
});

test("tasks of several parts are stored in their order, or not at all", async () => {
  const tasks = Array.from({ length: 4500 }, (_, index) => ({ ...generic, title: `${index}` }));
  const order = "sequential";
  const { body } = await user.post<Bulk>("/api/v1/tasks/bulk", { tasks, order });
  const { rows } = await rowmill.ctx.pool.query<{ title: string; after_id: string | null }>(
    "SELECT title, after_id FROM rowmill.tasks WHERE user_id = $1 ORDER BY number",
    [user.userId],
  );
  expect(rows.map(({ title }) => Number(title))).toEqual(tasks.map((_, index) => index));
  expect(rows.slice(1).map(({ after_id }) => after_id)).toEqual(body.tasks.slice(0, -1).map(({ id }) => id));
  // The transaction fails after both parts. parts.test.ts has parts that fail.
  const failing = async () =>
    inTransaction(rowmill.ctx, async (tx) => {
      await createTasks(tx, user.userId, tasks.slice(0, 2500));
      throw new Error("The process stops.");
    });
  await expect(failing()).rejects.toThrow("The process stops.");
  const count = await rowmill.ctx.pool.query("SELECT FROM rowmill.tasks WHERE user_id = $1", [user.userId]);
  expect(count.rows.length).toBe(4500);
});

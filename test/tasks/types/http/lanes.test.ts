/** The pace of http tasks: per host, per user, and with several workers. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { removeIdleLanes } from "../../../../src/tasks/lanes/wake-waiting.ts";
import type { Client } from "../../../support/client.ts";
import { type Answering, RECEIVER_SETTINGS, Receiver } from "../../../support/receiver.ts";
import { Stopwatch } from "../../../support/stopwatch.ts";
import { type Bulk, getTask, makeTask, untilEnded } from "../../../support/task-client.ts";
import { until } from "../../../support/until.ts";
import { useAdmin, useRowmill } from "../../../support/use-rowmill.ts";

const rowmill = useRowmill({ settings: { ...RECEIVER_SETTINGS, HTTP_TASKS: "all" }, worker: true });
const admin = useAdmin(rowmill);

async function receive(answer?: Answering): Promise<Receiver> {
  const receiver = await Receiver.start(answer);
  onTestFinished(() => receiver[Symbol.asyncDispose]());
  return receiver;
}

async function makeMany(user: Client, count: number, params: object, more: object = {}): Promise<Bulk> {
  const task = { type: "http", params, ...more };
  const { status, body } = await user.post<Bulk>("/api/v1/tasks/bulk", { tasks: Array(count).fill(task) });
  expect(status, JSON.stringify(body)).toBe(201);
  return body;
}

const untilDone = (user: Client, count: number) =>
  until(`${count} tasks have completed`, async () => (await statuses(user)).completed === count);

async function statuses(user: Client): Promise<Record<string, number>> {
  const { rows } = await rowmill.ctx.pool.query<{ status: string; count: number }>(
    "SELECT status::text, count(*)::int FROM rowmill.tasks WHERE user_id = $1 GROUP BY status",
    [user.userId],
  );
  return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
}

const later =
  (ms: number): Answering =>
  (response) =>
    void setTimeout(() => response.end("ok"), ms);

test("two workers send no more requests to a host at a time than its tasks allow, and all of them", async () => {
  const receiver = await receive(later(50));
  await rowmill.startWorker();
  const user = await rowmill.newUser();
  await makeMany(user, 40, { url: receiver.url, concurrency: 3 });
  await untilDone(user, 40);
  expect(receiver.requests).toHaveLength(40);
  expect(receiver.maxOpen).toBeLessThanOrEqual(3);
  expect(receiver.maxOpen).toBeGreaterThan(1);
});

test("tasks that wait for a host are pending, and use up no attempt", async () => {
  const receiver = await receive(() => {});
  const user = await rowmill.newUser();
  const { tasks } = await makeMany(user, 20, { url: receiver.url, concurrency: 2, timeout_seconds: 60 });
  await receiver.received(2);
  await until("the others wait", async () => {
    const { rows } = await rowmill.ctx.pool.query(
      "SELECT FROM rowmill.http_slots WHERE user_id = $1 AND started_at IS NULL",
      [user.userId],
    );
    return rows.length === 18;
  });
  expect(await statuses(user)).toEqual({ processing: 2, pending: 18 });
  expect(await getTask(user, tasks[19]?.id ?? "")).toMatchObject({ attempt: 0, started_at: null });
  for (const { id } of tasks) await user.post(`/api/v1/tasks/${id}/cancel`);
  await removeIdleLanes(rowmill.ctx);
  const { rows } = await rowmill.ctx.pool.query("SELECT FROM rowmill.http_slots WHERE user_id = $1", [
    user.userId,
  ]);
  expect(rows).toEqual([]);
});

test("tasks that wait do not come back on their own, because thousands of them would take the places of others", async () => {
  const receiver = await receive(() => {});
  const user = await rowmill.newUser();
  const paces = [{ concurrency: 1 }, { concurrency: 100, rate: { per_second: 0.2 } }];
  for (const pace of paces) await makeMany(user, 110, { url: receiver.url, timeout_seconds: 60, ...pace });
  await until("all but one wait", async () => {
    const { rowCount } = await rowmill.ctx.pool.query(
      "SELECT FROM rowmill.http_slots WHERE user_id = $1 AND started_at IS NULL",
      [user.userId],
    );
    return rowCount === 219;
  });
  const { rows } = await rowmill.ctx.pool.query<{ soon: number }>(
    `SELECT count(*)::int AS soon FROM rowmill_queue.job
     WHERE name = 'task.http' AND group_id = $1 AND state = 'created' AND start_after < now() + interval '1 hour'`,
    [String(user.userId)],
  );
  expect(rows).toEqual([{ soon: 0 }]);
});

test("a rate spreads the starts over time, on all workers together", async () => {
  const receiver = await receive();
  await rowmill.startWorker();
  const user = await rowmill.newUser();
  await makeMany(user, 11, { url: receiver.url, rate: { per_second: 5 }, concurrency: 100 });
  await untilDone(user, 11);
  const [first = 0] = receiver.requests.map(({ at }) => at);
  const last = receiver.requests.at(-1)?.at ?? 0;
  expect(last - first).toBeGreaterThan(1700);
});

test("users with a slow host hold up neither another user nor their own tasks to another host", async () => {
  const slow = await receive(() => {});
  const quick = await receive();
  const busy = await Promise.all([
    rowmill.newUser(),
    rowmill.newUser(),
    rowmill.newUser(),
    rowmill.newUser(),
  ]);
  const made = [];
  for (const user of busy)
    made.push(await makeMany(user, 60, { url: slow.url, concurrency: 100, timeout_seconds: 120 }));
  await slow.received(20);
  const other = await rowmill.newUser();
  using watch = new Stopwatch();
  for (let n = 0; n < 3; n++) {
    const { id } = await makeTask(other, { type: "http", params: { url: quick.url } });
    expect(await untilEnded(other, id)).toMatchObject({ status: "completed" });
  }
  // The slow requests of the others take two minutes.
  expect(watch.ms).toBeLessThan(60_000);
  // Tasks of other types have their own places.
  expect(await untilEnded(other, (await makeTask(other)).id)).toMatchObject({ status: "completed" });
  for (const [index, { tasks }] of made.entries())
    await Promise.all(tasks.map(({ id }) => busy[index]?.post(`/api/v1/tasks/${id}/cancel`)));

  const user = await rowmill.newUser();
  const waiting = await makeMany(user, 50, { url: slow.url, timeout_seconds: 120 });
  await until("five of them run", async () => (await statuses(user)).processing === 5);
  const { id } = await makeTask(user, { type: "http", params: { url: quick.url } });
  expect(await untilEnded(user, id)).toMatchObject({ status: "completed" });
  await Promise.all(waiting.tasks.map(({ id }) => user.post(`/api/v1/tasks/${id}/cancel`)));
});

test("a limit of the type and the pace of the host hold together", async () => {
  const receiver = await receive(later(30));
  const limit = { concurrent: 2 };
  const set = await admin.put("/api/v1/admin/task-limits/http", limit);
  expect(set.status, JSON.stringify(set.body)).toBe(200);
  onTestFinished(async () => void (await admin.delete("/api/v1/admin/task-limits/http")));
  await until("the worker knows the limit", async () => {
    const { body } = await admin.get<{ limits: { concurrent: number } }>("/api/v1/task-types/http");
    return body.limits.concurrent === 2;
  });
  const user = await rowmill.newUser();
  await makeMany(user, 20, { url: receiver.url, concurrency: 1 });
  await untilDone(user, 20);
  expect(receiver.maxOpen).toBe(1);
});

test("start_after delays a task, and a sequential group refuses it for later tasks", async () => {
  const receiver = await receive();
  const user = await rowmill.newUser();
  const start = new Date(Date.now() + 2500).toISOString();
  const task = await makeTask(user, { type: "http", params: { url: receiver.url }, start_after: start });
  expect(task).toMatchObject({ status: "pending", due_at: start });
  const past = await makeTask(user, {
    type: "http",
    params: { url: receiver.url },
    start_after: "2020-01-01T00:00:00Z",
  });
  for (const { id } of [past, task]) await untilEnded(user, id);
  const delayed = receiver.requests.find(({ headers }) => headers["rowmill-scheduled-at"] === start);
  expect(receiver.requests).toHaveLength(2);
  expect(delayed?.at).toBeGreaterThanOrEqual(Date.parse(start) - 50);
  const late = { type: "generic", start_after: new Date(Date.now() + 31 * 86_400_000).toISOString() };
  expect((await user.post("/api/v1/tasks", late)).body).toMatchObject({
    field_errors: { start_after: [expect.any(String)] },
  });
  const tasks = [{ type: "generic" }, { type: "generic", start_after: start }];
  expect((await user.post("/api/v1/tasks/bulk", { tasks, order: "sequential" })).body).toMatchObject({
    field_errors: { "tasks.1.start_after": [expect.any(String)] },
  });
  expect((await user.post("/api/v1/schedules", { name: "x", cron: "@daily", task: tasks[1] })).status).toBe(
    400,
  );
});

test("a paused queue sends nothing until it is resumed", async () => {
  const receiver = await receive();
  await admin.post("/api/v1/admin/queues/http/pause");
  const user = await rowmill.newUser();
  const id = await until("a worker that has heard of the pause leaves a task alone", async () => {
    const before = receiver.requests.length;
    const task = await makeTask(user, { type: "http", params: { url: receiver.url } });
    await sleep(1500);
    return receiver.requests.length === before && task.id;
  });
  await admin.post("/api/v1/admin/queues/http/resume");
  expect(await untilEnded(user, id)).toMatchObject({ status: "completed" });
});

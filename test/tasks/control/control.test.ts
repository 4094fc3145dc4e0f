import { afterEach, describe, expect, test } from "vitest";
import { inTransaction } from "../../../src/context.ts";
import type { TaskView } from "../../../src/tasks/views.ts";
import type { Problem } from "../../support/client.ts";
import { startRowmill } from "../../support/rowmill.ts";
import { Stopwatch } from "../../support/stopwatch.ts";
import {
  type Bulk,
  breakTask,
  getTask,
  history,
  type Listed,
  makeBroken,
  makeTask,
  rowsOf,
  untilEnded,
  untilTask,
} from "../../support/task-client.ts";
import { until } from "../../support/until.ts";
import { useRowmill, useUserPerTest } from "../../support/use-rowmill.ts";

const rowmill = useRowmill({ worker: true });
const user = useUserPerTest(rowmill);
// The places of a worker are few, and some of these tasks would take theirs for an hour.
afterEach(async () => {
  const { body } = await user.get<Listed>("/api/v1/tasks?status=pending,processing");
  for (const { id } of body.items) await user.delete(`/api/v1/tasks/${id}`);
});

const send = <T = TaskView>(id: string, command: string, body?: object, client = user) =>
  client.post<T>(`/api/v1/tasks/${id}/${command}`, body);

/** A task that waits for another, which takes an hour. */
async function makeWaiting(): Promise<TaskView> {
  const { body } = await user.post<Bulk>("/api/v1/tasks/bulk", {
    tasks: [
      { type: "generic", params: { seconds: 3600 } },
      { type: "generic", params: { seconds: 0 } },
    ],
    order: "sequential",
  });
  return getTask(user, body.tasks[1]?.id ?? "");
}

async function makeRunning(): Promise<TaskView> {
  const { id } = await makeTask(user, { params: { seconds: 3600 } });
  return untilTask(user, id, "runs", ({ status }) => status === "processing");
}

async function makeCompleted(): Promise<TaskView> {
  return untilEnded(user, (await makeTask(user)).id);
}

async function makeFailed(): Promise<TaskView> {
  return untilEnded(user, await makeBroken(rowmill.ctx, user, "gone"));
}

async function eventOf(id: string, type: string) {
  const { body } = await user.get<Listed<{ type: string }>>(`/api/v1/tasks/${id}/history`);
  return body.items.find((event) => event.type === type);
}

describe("cancel", () => {
  test("cancelling a pending task ends it and stores who did it and why", async () => {
    const { id } = await makeWaiting();
    const { status, body } = await send(id, "cancel", { reason: "The wrong file." });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: "cancelled",
      cancel_reason: "The wrong file.",
      cancelled_at: expect.any(String),
      is_cancellable: false,
      is_retryable: true,
    });
    expect(await eventOf(id, "cancelled")).toMatchObject({
      message: "The wrong file.",
      actor_id: user.userId,
    });
  });

  test("cancelling a running task ends it and stops its worker", async () => {
    const { id, job_id } = await makeRunning();
    using watch = new Stopwatch();
    expect((await send(id, "cancel")).body).toMatchObject({ status: "cancelled", cancel_reason: null });
    // The place of the user is free again.
    const next = await makeTask(user);
    await untilEnded(user, next.id);
    expect(watch.ms).toBeLessThan(10_000);
    expect(await rowsOf(rowmill.ctx, user, job_id)).toEqual({ tasks: 1, jobs: 0 });
    expect(await history(user, id)).toEqual(["created", "queued", "started", "cancelled"]);
  });

  test("cancelling twice keeps the first reason", async () => {
    const { id } = await makeRunning();
    await send(id, "cancel", { reason: "first" });
    const { status, body } = await send(id, "cancel", { reason: "second" });
    expect([status, body.cancel_reason]).toEqual([200, "first"]);
    expect((await history(user, id)).filter((type) => type === "cancelled")).toHaveLength(1);
  });

  test.each([
    ["completed", makeCompleted],
    ["failed", makeFailed],
  ])("a task that is %s cannot be cancelled", async (state, make) => {
    const { id } = await make();
    const { status, body } = await send<Problem>(id, "cancel");
    expect([status, body.code]).toEqual([409, "conflict"]);
    expect(body.detail).toBe(
      `A task that is ${state} cannot be cancelled. Only a pending or processing task can.`,
    );
    expect((await getTask(user, id)).status).toBe(state);
  });

  test.each([
    ["a NUL", { reason: "a\0b" }, "reason"],
    ["a long reason", { reason: "x".repeat(1001) }, "reason"],
    ["a reason that is a number", { reason: 1 }, "reason"],
    ["a slip", { raeson: "x" }, "raeson"],
    ["a list", [], "body"],
  ])("cancelling with %s is refused and changes nothing", async (_, body, field) => {
    const { id } = await makeWaiting();
    const answer = await send<Problem>(id, "cancel", body);
    expect([answer.status, Object.keys(answer.body.field_errors)]).toEqual([400, [field]]);
    expect((await getTask(user, id)).status).toBe("pending");
  });
});

describe("retry", () => {
  test("a cancelled task can be retried", async () => {
    const { id, job_id } = await makeRunning();
    await send(id, "cancel", { reason: "later" });
    const { status, body } = await send(id, "retry");
    expect(status).toBe(200);
    expect(body).toMatchObject({ status: "pending", cancel_reason: null, cancelled_at: null, progress: 0 });
    expect(body.job_id).not.toBe(job_id);
    expect(await rowsOf(rowmill.ctx, user, body.job_id)).toMatchObject({ tasks: 1 });
    await untilTask(
      user,
      id,
      "runs again",
      ({ status, attempt }) => status === "processing" && attempt === 2,
    );
    expect(await eventOf(id, "retrying")).toMatchObject({
      actor_id: user.userId,
      message: "A retry was requested.",
    });
    await send(id, "cancel");
  });

  test("a failed task can be retried and gets all its automatic retries again", async () => {
    const { ctx } = rowmill;
    const id = await makeBroken(ctx, user, "passing", { maxRetries: 1, params: { seconds: 0 } });
    expect(await untilEnded(user, id)).toMatchObject({
      status: "failed",
      retry_count: 1,
      is_retryable: true,
    });
    await ctx.pool.query("UPDATE rowmill.tasks SET params = '{\"seconds\": 0}' WHERE id = $1", [id]);
    const { body } = await send(id, "retry", { force: false });
    expect(body).toMatchObject({ status: "pending", retry_count: 0, error_code: null, error_message: null });
    expect(await untilEnded(user, id)).toMatchObject({
      status: "completed",
      attempt: 3,
      error_message: null,
    });
  });

  test("a completed task runs again only with force", async () => {
    const { id } = await makeCompleted();
    const refused = await send<Problem>(id, "retry");
    expect([refused.status, refused.body.code]).toEqual([409, "conflict"]);
    expect(refused.body.detail).toMatch(/completed.*force/);
    expect((await getTask(user, id)).attempt).toBe(1);
    const { status, body } = await send(id, "retry", { force: true });
    expect([status, body.status, body.result]).toEqual([200, "pending", null]);
    const again = await untilTask(
      user,
      id,
      "is done again",
      ({ attempt, status }) => attempt === 2 && status === "completed",
    );
    expect(again.progress).toBe(100);
  });

  test.each([
    ["pending", makeWaiting],
    ["processing", makeRunning],
  ])("a task that is %s cannot be retried", async (state, make) => {
    const { id } = await make();
    for (const force of [false, true]) {
      const { status, body } = await send<Problem>(id, "retry", { force });
      expect([status, body.detail]).toEqual([
        409,
        `A task that is ${state} cannot be retried. Only a failed or cancelled task can.`,
      ]);
    }
  });

  test.each([
    [{ force: "yes" }, "force"],
    [{ forse: true }, "forse"],
  ])("retrying with %j is refused and changes nothing", async (body, field) => {
    const { id } = await makeFailed();
    const answer = await send<Problem>(id, "retry", body);
    expect([answer.status, Object.keys(answer.body.field_errors)]).toEqual([400, [field]]);
    expect((await getTask(user, id)).status).toBe("failed");
  });
});

describe("delete", () => {
  test.each([
    ["waits", makeWaiting],
    ["has completed", makeCompleted],
    ["has failed", makeFailed],
  ])("deleting removes a task that %s", async (_, make) => {
    const { id, job_id } = await make();
    expect((await user.delete(`/api/v1/tasks/${id}`)).status).toBe(204);
    expect((await user.get(`/api/v1/tasks/${id}`)).status).toBe(404);
    expect((await user.delete(`/api/v1/tasks/${id}`)).status).toBe(404);
    expect(await rowsOf(rowmill.ctx, user, job_id)).toEqual({ tasks: 0, jobs: 0 });
  });

  test("deleting a running task stops its worker and removes its history and files", async () => {
    const { pool } = rowmill.ctx;
    const { id } = await makeRunning();
    await pool.query(
      `INSERT INTO rowmill.files (id, user_id, name, media_type, bytes, sha256, origin, task_id)
      VALUES (gen_random_uuid(), $1, 'a.txt', 'text/plain', 0, '', 'result', $2)`,
      [user.userId, id],
    );
    expect((await user.delete(`/api/v1/tasks/${id}`)).status).toBe(204);
    const { rows } = await pool.query(
      `SELECT (SELECT count(*)::int FROM rowmill.task_events WHERE task_id = $1)
        + (SELECT count(*)::int FROM rowmill.task_progress WHERE task_id = $1)
        + (SELECT count(*)::int FROM rowmill.files WHERE task_id = $1) AS count`,
      [id],
    );
    expect(rows).toEqual([{ count: 0 }]);
    await untilEnded(user, (await makeTask(user)).id);
  });
});

describe("a chain", () => {
  const REASON = "The previous task of the sequence did not complete.";
  const chain = async (seconds: number[]) => {
    const tasks = seconds.map((one) => ({ type: "generic", params: { seconds: one } }));
    const { body } = await user.post<Bulk>("/api/v1/tasks/bulk", { tasks, order: "sequential" });
    return body.tasks.map(({ id }) => id);
  };

  test("the tasks of a chain run one after the other", async () => {
    const ids = await chain([0.2, 0, 0]);
    const tasks = await Promise.all(ids.map((id) => untilEnded(user, id)));
    expect(tasks.map(({ status }) => status)).toEqual(["completed", "completed", "completed"]);
    for (const [index, { started_at }] of tasks.entries()) {
      const before = tasks[index - 1]?.completed_at ?? "";
      expect((started_at ?? "") >= before).toBe(true);
    }
    expect(await history(user, ids[2] ?? "")).toEqual(["created", "queued", "started", "completed"]);
  });

  test("the first failure in a chain cancels the rest and gives the reason", async () => {
    const ids = await chain([1, 0, 0, 0]);
    await inTransaction(rowmill.ctx, (tx) => breakTask(tx, ids[1] ?? "", "gone"));
    const tasks = await Promise.all(ids.map((id) => untilEnded(user, id)));
    expect(tasks.map(({ status, cancel_reason }) => [status, cancel_reason])).toEqual([
      ["completed", null],
      ["failed", null],
      ["cancelled", REASON],
      ["cancelled", REASON],
    ]);
    expect(await eventOf(ids[3] ?? "", "cancelled")).toMatchObject({ actor_id: null, message: REASON });
  });

  test.each(["cancel", "delete"])("a chain ends when its first task gets %s", async (command) => {
    const [first = "", ...rest] = await chain([3600, 0, 0]);
    if (command === "cancel") await send(first, "cancel", { reason: "enough" });
    else await user.delete(`/api/v1/tasks/${first}`);
    for (const id of rest) {
      expect(await getTask(user, id)).toMatchObject({ status: "cancelled", cancel_reason: REASON });
    }
  });

  test("a chain continues without its deleted last task", async () => {
    const [first = "", last = ""] = await chain([0.5, 0]);
    await send(last, "cancel", { reason: "not needed" });
    expect(await untilEnded(user, first)).toMatchObject({ status: "completed" });
    expect(await getTask(user, last)).toMatchObject({ status: "cancelled", cancel_reason: "not needed" });
  });
});

test("of several pending tasks the one with the highest priority runs first", async () => {
  await using single = await startRowmill();
  const owner = await single.newUser();
  const ids: string[] = [];
  // Longer than the moment in which the place for others gives back what is over its owner's share.
  const params = { seconds: 0.2 };
  for (const priority of [1, 9, 0, 5, 9]) ids.push((await makeTask(owner, { params, priority })).id);
  await single.startWorker({ WORKER_QUEUES: "default:1" });
  const tasks = await until("all are done", async () => {
    const found = await Promise.all(ids.map((id) => getTask(owner, id)));
    return found.every(({ status }) => status === "completed") && found;
  });
  tasks.sort((a, b) => (a.started_at ?? "").localeCompare(b.started_at ?? ""));
  expect(tasks.map(({ priority }) => priority)).toEqual([9, 9, 5, 1, 0]);
});

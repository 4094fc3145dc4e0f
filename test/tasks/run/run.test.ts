import { describe, expect, test } from "vitest";
import { cancelTask } from "../../../src/tasks/control/cancel-task.ts";
import { deleteTask } from "../../../src/tasks/control/delete-task.ts";
import { retryTask } from "../../../src/tasks/control/retry-task.ts";
import type { TaskRequest } from "../../../src/tasks/create/create-tasks.ts";
import { listProgress } from "../../../src/tasks/queries.ts";
import { endTask } from "../../../src/tasks/run/end-task.ts";
import { Progress } from "../../../src/tasks/run/progress.ts";
import { runTask } from "../../../src/tasks/run/run-task.ts";
import { Stopwatch } from "../../support/stopwatch.ts";
import { createTask, endedTask, eventsOf, runningTask } from "../../support/tasks.ts";
import { until } from "../../support/until.ts";
import { useRowmill, useUser } from "../../support/use-rowmill.ts";

const rowmill = useRowmill({ worker: true });
const user = useUser(rowmill);

const create = (request: TaskRequest) => createTask(rowmill.ctx, user.userId, request);
const lasting = (seconds: number): TaskRequest => ({ type: "generic", params: { seconds } });

async function isIdle(): Promise<boolean> {
  const { rows } = await rowmill.ctx.pool.query(
    "SELECT count(*)::int AS active FROM rowmill_queue.job WHERE name = 'task.default' AND state::text = 'active'",
  );
  return rows[0].active === 0;
}

describe("a task that runs to its end", () => {
  test("a completed task has a message, full progress and a history", async () => {
    const id = await create({ ...lasting(1.2), title: "Try" });
    const task = await endedTask(rowmill.ctx, id);
    expect(task).toMatchObject({
      status: "completed",
      progress: 100,
      attempt: 1,
      retryCount: 0,
      title: "Try",
    });
    expect(task.result?.message).toMatch(/^Task completed successfully in 1.2 seconds at \d{4}-/);
    expect(await eventsOf(rowmill.ctx, id)).toEqual(["created", "queued", "started", "completed"]);
  });

  test("progress is written at most twice a second, and the last step always", async () => {
    const id = await create(lasting(1.2));
    const { startedAt, completedAt } = await endedTask(rowmill.ctx, id);
    const seconds = ((completedAt?.getTime() ?? 0) - (startedAt?.getTime() ?? 0)) / 1000;
    const { items: steps } = await listProgress(rowmill.ctx, id, 0, 100);
    // Each step takes half a second at least.
    expect(steps.length).toBeGreaterThanOrEqual(2);
    expect(steps.length).toBeLessThanOrEqual(Math.min(19, 2 + 2 * seconds));
    expect(steps.at(-1)).toMatchObject({ progress: 100, message: "Step 2 of 2" });
    const percents = steps.map(({ progress }) => progress);
    expect(percents).toEqual(percents.toSorted((a, b) => a - b));
  });
});

describe("a task that is being worked on", () => {
  test("the data of a step is stored if it has at most 8192 bytes", async () => {
    const { ctx } = rowmill;
    const id = await create(lasting(60));
    const task = await runningTask(ctx, id);
    for (const characters of [4000, 5000]) {
      await using progress = new Progress(ctx, task);
      progress.report(1, String(characters), { text: "\u00e9".repeat(characters) });
    }
    const { items } = await listProgress(ctx, id, 0, 100);
    const lengthOf = (message: string) => {
      const data = items.find((step) => step.message === message)?.data as { text: string } | null;
      return data?.text.length ?? null;
    };
    expect([lengthOf("4000"), lengthOf("5000")]).toEqual([4000, null]);
    await cancelTask(ctx, user.userId, id);
  });

  test("a running task stops when it is cancelled", async () => {
    const id = await create(lasting(60));
    await runningTask(rowmill.ctx, id);
    using watch = new Stopwatch();
    await cancelTask(rowmill.ctx, user.userId, id, "enough");
    await until("its worker is free", isIdle);
    expect(watch.ms).toBeLessThan(10_000);
    const task = await endedTask(rowmill.ctx, id);
    expect(task).toMatchObject({ status: "cancelled", cancelReason: "enough", completedAt: null });
    expect(await eventsOf(rowmill.ctx, id)).toEqual(["created", "queued", "started", "cancelled"]);
  });

  test("a running task stops when it is deleted and leaves nothing", async () => {
    const id = await create(lasting(60));
    await runningTask(rowmill.ctx, id);
    await deleteTask(rowmill.ctx, user.userId, id);
    await until("its worker is free", isIdle);
    const { rows } = await rowmill.ctx.pool.query(
      `SELECT (SELECT count(*)::int FROM rowmill.tasks WHERE id = $1) + (SELECT count(*)::int FROM rowmill.task_events WHERE task_id = $1)
        + (SELECT count(*)::int FROM rowmill.task_progress WHERE task_id = $1)
        + (SELECT count(*)::int FROM rowmill_queue.job WHERE data->>'taskId' = $1::text) AS left`,
      [id],
    );
    expect(rows).toEqual([{ left: 0 }]);
  });

  test("a task cancelled and retried before its worker notices runs once more", async () => {
    const id = await create(lasting(5));
    await runningTask(rowmill.ctx, id);
    await cancelTask(rowmill.ctx, user.userId, id);
    await retryTask(rowmill.ctx, user.userId, id, { force: false });
    const task = await endedTask(rowmill.ctx, id);
    expect(task).toMatchObject({ status: "completed", attempt: 2, cancelledAt: null, cancelReason: null });
    const events = ["created", "queued", "started", "cancelled", "retrying", "started", "completed"];
    expect(await eventsOf(rowmill.ctx, id)).toEqual(events);
  });
});

describe("two workers on one task", () => {
  test("the outcome of the worker that started a task last counts", async () => {
    const id = await create(lasting(60));
    const first = await runningTask(rowmill.ctx, id);
    // The job of a worker that counts as dead is delivered again while the worker still runs it.
    const delivery = { id: first.jobId, payload: {}, attempt: 2, signal: new AbortController().signal };
    const second = runTask(rowmill.ctx, { taskId: id, run: first.run }, delivery);
    await until(
      "the second attempt has started",
      async () => (await runningTask(rowmill.ctx, id)).attempt === 2,
    );
    const done = { kind: "done", result: { message: "of the first" } } as const;
    expect(await endTask(rowmill.ctx, first, done)).toBeUndefined();
    expect(await runningTask(rowmill.ctx, id)).toMatchObject({ attempt: 2, result: null });
    await until("the first has noticed", isIdle);
    await cancelTask(rowmill.ctx, user.userId, id);
    await second;
    expect(await eventsOf(rowmill.ctx, id)).toEqual(["created", "queued", "started", "started", "cancelled"]);
  });

  test("a job of an earlier run does nothing", async () => {
    const id = await create(lasting(0));
    const { jobId, run } = await endedTask(rowmill.ctx, id);
    const delivery = { id: jobId, payload: {}, attempt: 2, signal: new AbortController().signal };
    expect(await runTask(rowmill.ctx, { taskId: id, run }, delivery)).toBeUndefined();
    await retryTask(rowmill.ctx, user.userId, id, { force: true });
    expect(await runTask(rowmill.ctx, { taskId: id, run }, delivery)).toBeUndefined();
    expect(await endedTask(rowmill.ctx, id)).toMatchObject({ status: "completed", attempt: 2, run: 2 });
  });
});

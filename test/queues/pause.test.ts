import { expect, test } from "vitest";
import { pauseQueue, resumeQueue } from "../../src/queues/pause-queue.ts";
import { cancelTask } from "../../src/tasks/control/cancel-task.ts";
import { asUser, type Rowmill, startRowmill } from "../support/rowmill.ts";
import { endedTask, newTask, untilTask } from "../support/tasks.ts";
import { until } from "../support/until.ts";

const runs = ({ ctx }: Rowmill, id: string) =>
  untilTask(ctx, id, "runs", ({ status }) => status === "processing");

async function jobsWaiting({ ctx }: Rowmill, name = "task.default"): Promise<number> {
  const { rows } = await ctx.pool.query(
    "SELECT count(*)::int AS count FROM rowmill_queue.job WHERE name = $1 AND state < 'active'",
    [name],
  );
  return rows[0].count;
}

async function isProcessing({ ctx }: Rowmill, ids: readonly string[]): Promise<string[]> {
  const { rows } = await ctx.pool.query<{ id: string }>(
    "SELECT id FROM rowmill.tasks WHERE id = ANY($1) AND status = 'processing'",
    [ids],
  );
  return rows.map(({ id }) => id);
}

/** Processes a batch, which is in another queue than tasks of type `generic`. */
async function finishBatch(rowmill: Rowmill): Promise<void> {
  const user = await rowmill.newUser();
  const { body: batch } = await user.upload("title,author\nEmma,Jane Austen\n");
  await user.finished(batch.id);
}

/** Creates tasks until the worker has heard of the pause: a later job of another queue then ends before the task. */
function heldTask(rowmill: Rowmill, userId: number): Promise<string> {
  return until("a task is held", async () => {
    const id = await newTask(rowmill.ctx, userId, 0);
    await finishBatch(rowmill);
    const { status } = await untilTask(rowmill.ctx, id, "is there", () => true);
    return status === "pending" ? id : null;
  });
}

test("workers take no job from a paused queue until it is resumed", async () => {
  await using rowmill = await startRowmill();
  const { ctx } = rowmill;
  const { userId } = await rowmill.newUser();
  await pauseQueue(asUser(ctx, userId), "default");
  await rowmill.startWorker();
  const held = await newTask(ctx, userId);
  // The other queues go on.
  await finishBatch(rowmill);
  expect(await jobsWaiting(rowmill)).toBe(1);
  expect((await untilTask(ctx, held, "waits", () => true)).status).toBe("pending");
  await resumeQueue(ctx, "default");
  expect((await endedTask(ctx, held, 3000)).status).toBe("completed");
});

test("running jobs end while their queue is paused, and resuming takes more jobs at once", async () => {
  await using rowmill = await startRowmill({ WORKER_CONCURRENCY: "2" });
  const { ctx } = rowmill;
  const worker = await rowmill.startWorker();
  const one = (await rowmill.newUser()).userId;
  const other = (await rowmill.newUser()).userId;
  const long = await Promise.all([newTask(ctx, one, 600), newTask(ctx, one, 600)]);
  for (const id of long) await runs(rowmill, id);
  await pauseQueue(asUser(ctx, one), "default");
  const held = await heldTask(rowmill, other);
  await newTask(ctx, one, 0);
  await pauseQueue(asUser(ctx, one), "default");
  await finishBatch(rowmill);
  expect(await jobsWaiting(rowmill)).toBe(2);
  await resumeQueue(ctx, "default");
  expect((await endedTask(ctx, held)).status).toBe("completed");
  expect(await isProcessing(rowmill, long)).toHaveLength(2);

  // One user has no more than their two places, whatever was paused: the third is for others.
  const more = await Promise.all(Array.from({ length: 4 }, () => newTask(ctx, one, 0.4)));
  for (let i = 0; i < 10; i++) {
    expect((await isProcessing(rowmill, [...long, ...more])).length).toBeLessThanOrEqual(2);
    await endedTask(ctx, await newTask(ctx, other, 0));
  }
  for (const id of long) await cancelTask(ctx, one, id);
  for (const id of more) expect((await endedTask(ctx, id)).status).toBe("completed");
  await until(
    "no task runs",
    async () => !worker.queue.running.list().some(({ queue }) => queue === "default"),
  );
});

test("pausing and resuming repeatedly neither loses nor adds places for jobs", async () => {
  await using rowmill = await startRowmill({ WORKER_CONCURRENCY: "2" });
  const { ctx } = rowmill;
  await rowmill.startWorker();
  const { userId } = await rowmill.newUser();
  const first = await newTask(ctx, userId, 1);
  await runs(rowmill, first);
  for (let i = 0; i < 20; i++) {
    await pauseQueue(asUser(ctx, userId), "default");
    await resumeQueue(ctx, "default");
  }
  await endedTask(ctx, first);
  const users = await Promise.all([1, 2, 3, 4, 5].map(async () => (await rowmill.newUser()).userId));
  const ids = await Promise.all(users.map((id) => newTask(ctx, id, 3)));
  await until("three places are taken", async () => (await isProcessing(rowmill, ids)).length === 3);
  await until("a while has passed", async () => {
    expect((await isProcessing(rowmill, ids)).length).toBeLessThanOrEqual(3);
    return (await Promise.all(ids.map((id) => untilTask(ctx, id, "is there", () => true)))).some(
      ({ status }) => status === "completed",
    );
  });
});

test("upkeep goes on while its queue is paused", async () => {
  await using rowmill = await startRowmill();
  const { ctx } = rowmill;
  await pauseQueue(ctx, "default");
  await rowmill.startWorker();
  await ctx.pool.query("INSERT INTO rowmill_queue.job (name, data) VALUES ('upkeep.clean', '{}')");
  await until("it is cleaned", async () => {
    const { rows } = await ctx.pool.query(
      "SELECT output FROM rowmill_queue.job WHERE name = 'upkeep.clean' AND state = 'completed'",
    );
    return rows[0] ?? null;
  });
});

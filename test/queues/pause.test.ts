import { expect, test } from "vitest";
import { pauseQueue, resumeQueue } from "../../src/queues/pause-queue.ts";
import { getTask } from "../../src/tasks/queries.ts";
import { newAdmin } from "../support/admin.ts";
import { closeGate } from "../support/gate.ts";
import { activeJobs } from "../support/jobs.ts";
import { asUser, type Rowmill, startRowmill } from "../support/rowmill.ts";
import { endedTask, heldTask, newTask } from "../support/tasks.ts";
import { until } from "../support/until.ts";

const activeTasks = ({ ctx }: Rowmill) => activeJobs(ctx, "task.default");

const statusOf = async ({ ctx }: Rowmill, id: string) => (await getTask(ctx, null, id)).status;

async function jobsWaiting({ ctx }: Rowmill, name = "task.default"): Promise<number> {
  const { rows } = await ctx.pool.query(
    "SELECT count(*)::int AS count FROM rowmill_queue.job WHERE name = $1 AND state < 'active'",
    [name],
  );
  return rows[0].count;
}

/** Processes a batch, which is in another queue than tasks of type `generic`. */
async function finishBatch(rowmill: Rowmill): Promise<void> {
  const user = await rowmill.newUser();
  const { body: batch } = await user.upload("title,author\nEmma,Jane Austen\n");
  await user.finished(batch.id);
}

/** Creates tasks until the worker has heard of the pause: a later job of another queue then ends before the task. */
function pausedTask(rowmill: Rowmill, userId: number): Promise<string> {
  return until("a task waits in the paused queue", async () => {
    const id = await newTask(rowmill.ctx, userId);
    await finishBatch(rowmill);
    return (await statusOf(rowmill, id)) === "pending" ? id : null;
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
  expect(await statusOf(rowmill, held)).toBe("pending");
  await resumeQueue(ctx, "default");
  expect((await endedTask(ctx, held, 8000)).status).toBe("completed");
});

test("running jobs end while their queue is paused, and resuming takes more jobs at once", async () => {
  await using rowmill = await startRowmill({ WORKER_CONCURRENCY: "2", DATABASE_POOL_MAX: "24" });
  const { ctx } = rowmill;
  const one = (await rowmill.newUser()).userId;
  const other = (await rowmill.newUser()).userId;
  await using gate = await closeGate(ctx, "complete");
  await rowmill.startWorker();
  // Each waits in a statement of its own, so that no task of others is completed by the same statement.
  const long = [await heldTask(ctx, one)];
  await gate.reached();
  long.push(await heldTask(ctx, one));
  await gate.reached(2);
  await pauseQueue(asUser(ctx, one), "default");
  const held = await pausedTask(rowmill, other);
  await newTask(ctx, one);
  await pauseQueue(asUser(ctx, one), "default");
  await finishBatch(rowmill);
  expect(await jobsWaiting(rowmill)).toBe(2);
  await resumeQueue(ctx, "default");
  expect((await endedTask(ctx, held)).status).toBe("completed");

  // One user has no more than their two places, whatever was paused: the third is for others.
  const more = [await newTask(ctx, one), await newTask(ctx, one)];
  for (let i = 0; i < 10; i++) await endedTask(ctx, await newTask(ctx, other));
  for (const id of long) expect(await statusOf(rowmill, id)).toBe("processing");
  for (const id of more) expect(await statusOf(rowmill, id)).toBe("pending");
  await pauseQueue(asUser(ctx, one), "default");
  await pausedTask(rowmill, other);
  await gate.open();
  for (const id of long) expect((await endedTask(ctx, id)).status).toBe("completed");
  await resumeQueue(ctx, "default");
  for (const id of more) expect((await endedTask(ctx, id)).status).toBe("completed");
});

test("pausing and resuming repeatedly neither loses nor adds places for jobs", async () => {
  await using rowmill = await startRowmill({ WORKER_CONCURRENCY: "2", DATABASE_POOL_MAX: "24" });
  const { ctx } = rowmill;
  await rowmill.startWorker();
  const { userId } = await rowmill.newUser();
  const others = await Promise.all([1, 2, 3, 4].map(async () => (await rowmill.newUser()).userId));
  for (let i = 0; i < 20; i++) {
    await pauseQueue(asUser(ctx, userId), "default");
    await newTask(ctx, userId);
    await resumeQueue(ctx, "default");
  }
  // Short tasks run in sets, several in one place. One that waits makes them long for the worker.
  await endedTask(ctx, await newTask(ctx, userId, 0.5));
  await pauseQueue(asUser(ctx, userId), "default");
  await pausedTask(rowmill, userId);
  await until("no task is active", async () => (await activeTasks(rowmill)) === 0);
  await using gate = await closeGate(ctx, "complete");
  const ids = await Promise.all([userId, ...others].map((id) => heldTask(ctx, id)));
  await resumeQueue(ctx, "default");
  await until("three places are taken", async () => (await activeTasks(rowmill)) === 3);
  await finishBatch(rowmill);
  expect(await activeTasks(rowmill)).toBe(3);
  await gate.open();
  for (const id of ids) expect((await endedTask(ctx, id)).status).toBe("completed");
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

test("a paused queue says who paused it, and why", async () => {
  await using rowmill = await startRowmill();
  const operator = await newAdmin(rowmill, "olga", "operator");
  const path = "/api/v1/admin/queues/default";
  const paused = await operator.post(`${path}/pause`, { reason: "The mail server moves." });
  const expected = { paused_by_username: "olga", pause_reason: "The mail server moves." };
  expect(paused.body).toMatchObject(expected);
  expect((await operator.post(`${path}/pause`, { reason: "Another one." })).body).toMatchObject(expected);
  expect((await operator.post(`${path}/pause`, { why: "A typo." })).status).toBe(400);
  const { rows } = await rowmill.ctx.pool.query(
    "SELECT details FROM rowmill.audit_log WHERE action = 'queue.paused'",
  );
  expect(rows).toEqual([{ details: { reason: "The mail server moves." } }]);
  expect((await operator.post(`${path}/resume`)).body).toMatchObject({ pause_reason: null });
});

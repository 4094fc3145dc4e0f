import { describe, expect, test } from "vitest";
import { TaskCache } from "../../../src/legacy/shared/task-cache.ts";
import { cancelTask } from "../../../src/tasks/control/cancel-task.ts";
import { retryTask } from "../../../src/tasks/control/retry-task.ts";
import { createTasks } from "../../../src/tasks/create/create-tasks.ts";
import { getTask } from "../../../src/tasks/queries.ts";
import { TASK_CHANNEL } from "../../../src/tasks/transitions.ts";
import { startRowmill } from "../../support/rowmill.ts";
import { until } from "../../support/until.ts";
import { useRowmill, useUser } from "../../support/use-rowmill.ts";

const MINUTE_MS = 60_000;

const rowmill = useRowmill();
const owner = useUser(rowmill);

async function create(params: Record<string, unknown> = {}) {
  const { tasks } = await createTasks(rowmill.ctx, owner.userId, [{ type: "generic", title: "Try", params }]);
  const { id = "", number = 0 } = tasks[0] ?? {};
  return { id, number };
}

/** A cache that hears of changes. */
async function openCache(clock?: { now(): number }): Promise<TaskCache> {
  const cache = new TaskCache(rowmill.ctx, clock);
  const { id } = await create();
  await until("it keeps what it reads", async () => (await cache.get(owner.userId, id)).isCached);
  return cache;
}

function cancel(id: string) {
  return cancelTask(rowmill.ctx, owner.userId, id);
}

describe("the cache", () => {
  test("the task cache answers by id and by number until the task changes", async () => {
    const cache = await openCache();
    const { id, number } = await create();
    expect(await cache.get(owner.userId, number)).toMatchObject({ isCached: false, task: { id } });
    expect(await cache.get(owner.userId, number)).toMatchObject({ isCached: true, task: { id, number } });
    expect(await cache.get(owner.userId, id)).toMatchObject({ isCached: true, owner: { id: owner.userId } });
    const other = await create();
    await cancel(other.id);
    expect((await cache.get(owner.userId, id)).isCached).toBe(true);
    await cancel(id);
    expect(await cache.get(owner.userId, id)).toMatchObject({
      isCached: false,
      task: { status: "cancelled" },
    });
  });

  test("the task cache keeps open tasks for 5 minutes and ended ones for an hour", async () => {
    const clock = { ms: 1, now: () => clock.ms };
    const cache = await openCache(clock);
    for (const [end, keptMs] of [
      [async () => {}, 5 * MINUTE_MS],
      [cancel, 60 * MINUTE_MS],
    ] as const) {
      const { id } = await create();
      await end(id);
      const kept = async () => (await cache.get(owner.userId, id)).isCached;
      await until("it is kept", kept);
      clock.ms += keptMs - 1000;
      // It tells the time at most once a millisecond, so it may take another look.
      await until("it is still kept", kept);
      clock.ms += 2000;
      await until("it is read again", async () => !(await kept()));
    }
  });

  test("the task cache never returns another user's task", async () => {
    const cache = await openCache();
    const stranger = await rowmill.newUser();
    const { id, number } = await create();
    for (const key of [id, number, id]) {
      await expect(cache.get(stranger.userId, key)).rejects.toMatchObject({ code: "not_found" });
      await cache.get(owner.userId, key);
    }
  });

  test("the task cache does not keep a task that changed during the read", async () => {
    const { listener } = rowmill.ctx;
    const cache = await openCache();
    for (const changed of ["it", "another", "anything"]) {
      const { id } = await create();
      const reading = cache.get(owner.userId, id);
      const other = "0199f0a0-0000-7000-8000-000000000000";
      listener.wake(TASK_CHANNEL, { it: id, another: other, anything: null }[changed] ?? null);
      expect((await reading).isCached).toBe(false);
      expect([changed, (await cache.get(owner.userId, id)).isCached]).toEqual([
        changed,
        changed === "another",
      ]);
    }
  });

  test("the task cache is off while its listener is lost, and empty afterwards", async () => {
    const { listener, pool } = rowmill.ctx;
    const cache = await openCache();
    const { id } = await create();
    await until("it is kept", async () => (await cache.get(owner.userId, id)).isCached);
    let missed = 0;
    await until("the listener was away for a while", async () => {
      await pool.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'rowmill-listen'",
      );
      await until("the loss is noticed", async () => !listener.isListening);
      const { isCached } = await cache.get(owner.userId, id);
      expect(isCached).toBe(false);
      missed++;
      return missed === 3;
    });
    // As another process does it, whose notification is lost.
    await pool.query("UPDATE rowmill.tasks SET title = 'Changed' WHERE id = $1", [id]);
    await until("it hears again", async () => listener.isListeningTo(TASK_CHANNEL));
    expect(await cache.get(owner.userId, id)).toMatchObject({ isCached: false, task: { title: "Changed" } });
    expect((await cache.get(owner.userId, id)).isCached).toBe(true);
  });
});

test("the task cache shows progress of a running task within moments", async () => {
  await using own = await startRowmill();
  await own.startWorker();
  const user = await own.newUser();
  const { tasks } = await createTasks(own.ctx, user.userId, [{ type: "generic", params: { seconds: 6 } }]);
  const { id = "" } = tasks[0] ?? {};
  const seen = new Set<number>();
  await until("the task has completed", async () => {
    const { progress, attempt } = await getTask(own.ctx, user.userId, id);
    // Without the message of the change, the answer would be kept for five minutes.
    const body = await until("the answer shows this progress", async () => {
      const answer = await user.get<{ progress: number; status: string }>(`/api/tasks/${id}/`);
      return (attempt === 0 || answer.body.progress >= progress) && answer.body;
    });
    seen.add(body.progress);
    return body.status === "completed";
  });
  expect(seen.size).toBeGreaterThan(2);
});

test("the task cache never returns a task from before its retry", async () => {
  const { number, id } = await create({ seconds: 600 });
  const path = `/api/tasks/${number}/`;
  for (let round = 0; round < 50; round++) {
    await cancel(id);
    const cancelled = await owner.get<{ task: { status: string } }>(path);
    expect(cancelled.body.task.status).toBe("CANCELLED");
    await retryTask(rowmill.ctx, owner.userId, id, { force: false });
    const retried = await owner.get<{ task: { status: string } }>(path);
    expect(retried.body.task.status).not.toBe("CANCELLED");
  }
  await cancel(id);
});

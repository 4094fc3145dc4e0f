import { describe, expect, test } from "vitest";
import { createTasks } from "../../../src/tasks/create/create-tasks.ts";
import { getTask } from "../../../src/tasks/queries.ts";
import { reconcileTasks } from "../../../src/tasks/upkeep/reconcile-tasks.ts";
import { removeOldTasks } from "../../../src/tasks/upkeep/remove-old-tasks.ts";
import { count } from "../../support/count.ts";
import { type Rowmill, startRowmill } from "../../support/rowmill.ts";
import { createTask, endedTask, eventsOf } from "../../support/tasks.ts";

const NOTHING = { tasksRequeued: 0, tasksGivenUp: 0 };
const DONE_AT_ONCE = { type: "generic", params: { seconds: 0 } };

const reconcileIn = ({ ctx }: Rowmill, seconds: number) =>
  reconcileTasks({ ...ctx, now: () => new Date(Date.now() + seconds * 1000) });

describe("the reconciler", () => {
  test("concurrent reconcilers enqueue a task with a lost job once", async () => {
    await using rowmill = await startRowmill();
    const { userId } = await rowmill.newUser();
    const id = await createTask(rowmill.ctx, userId, DONE_AT_ONCE);
    expect(await reconcileIn(rowmill, 60)).toEqual(NOTHING);
    await rowmill.ctx.pool.query("DELETE FROM rowmill_queue.job WHERE name = 'task.default'");
    expect(await reconcileIn(rowmill, 20)).toEqual(NOTHING);
    const found = await Promise.all([1, 2, 3].map(() => reconcileIn(rowmill, 60)));
    expect(found.map(({ tasksRequeued }) => tasksRequeued).toSorted()).toEqual([0, 0, 1]);
    expect(
      await count(rowmill.ctx.pool, "SELECT count(*) FROM rowmill_queue.job WHERE name = 'task.default'"),
    ).toBe(1);
    await rowmill.startWorker();
    expect(await endedTask(rowmill.ctx, id)).toMatchObject({ status: "completed", attempt: 1, run: 2 });
  });

  test("the reconciler fails a task after too many lost deliveries and cancels its successors", async () => {
    await using rowmill = await startRowmill();
    const { userId } = await rowmill.newUser();
    const { tasks } = await createTasks(rowmill.ctx, userId, [DONE_AT_ONCE, DONE_AT_ONCE], {
      together: "sequential",
    });
    const [first = "", second = ""] = tasks.map(({ id }) => id);
    await rowmill.ctx.pool.query("UPDATE rowmill_queue.job SET state = 'failed' WHERE name = 'task.default'");
    expect(await reconcileIn(rowmill, 60)).toEqual({ tasksRequeued: 0, tasksGivenUp: 1 });
    expect(await endedTask(rowmill.ctx, first)).toMatchObject({ status: "failed", errorCode: "gave_up" });
    expect(await endedTask(rowmill.ctx, second)).toMatchObject({ status: "cancelled" });
    expect(await eventsOf(rowmill.ctx, first)).toEqual(["created", "queued", "failed"]);
    expect(await eventsOf(rowmill.ctx, second)).toEqual(["created", "cancelled"]);
    expect(await reconcileIn(rowmill, 60)).toEqual(NOTHING);
  });

  test("lost jobs are found on every page, also behind more tasks of one request than a page has", async () => {
    await using rowmill = await startRowmill();
    const { ctx } = rowmill;
    const { userId } = await rowmill.newUser();
    const many = await createTasks(
      ctx,
      userId,
      Array.from({ length: 1100 }, () => DONE_AT_ONCE),
    );
    const last = many.tasks.at(-1)?.id ?? "";
    const later = await createTask(ctx, userId, DONE_AT_ONCE);
    const running = await createTask(ctx, userId, DONE_AT_ONCE);
    await ctx.pool.query("UPDATE rowmill.tasks SET status = 'processing', attempt = 1 WHERE id = $1", [
      running,
    ]);
    const lost = [last, later, running];
    await ctx.pool.query("DELETE FROM rowmill_queue.job WHERE data->>'taskId' = ANY($1)", [lost]);
    expect(await reconcileIn(rowmill, 60)).toEqual({ tasksRequeued: lost.length, tasksGivenUp: 0 });
    const runs = await Promise.all(lost.map(async (id) => (await getTask(ctx, null, id)).run));
    expect(runs).toEqual(lost.map(() => 2));
    expect(await reconcileIn(rowmill, 20)).toEqual(NOTHING);
  });

  test("the reconciler leaves a waiting task of a chain alone", async () => {
    await using rowmill = await startRowmill();
    const { userId } = await rowmill.newUser();
    await createTasks(rowmill.ctx, userId, [DONE_AT_ONCE, DONE_AT_ONCE], { together: "sequential" });
    expect(await reconcileIn(rowmill, 3600)).toEqual(NOTHING);
  });
});

test("ended tasks and their data are removed after RETENTION_DAYS, and open tasks stay", async () => {
  await using rowmill = await startRowmill({ RETENTION_DAYS: "7" });
  const { pool } = rowmill.ctx;
  const { userId } = await rowmill.newUser();
  await rowmill.startWorker();
  const ids = await Promise.all([1, 2, 3].map(() => createTask(rowmill.ctx, userId, DONE_AT_ONCE)));
  const [old = "", young = "", open = ""] = ids;
  for (const id of ids) await endedTask(rowmill.ctx, id);
  const age = (id: string, days: number) =>
    pool.query(
      `UPDATE rowmill.tasks SET created_at = created_at - make_interval(days => $2),
        completed_at = completed_at - make_interval(days => $2) WHERE id = $1`,
      [id, days],
    );
  await age(old, 8);
  await age(young, 6);
  await age(open, 8);
  await pool.query("UPDATE rowmill.tasks SET status = 'pending', completed_at = NULL WHERE id = $1", [open]);
  expect(await removeOldTasks(rowmill.ctx)).toBe(1);
  await expect(getTask(rowmill.ctx, userId, old)).rejects.toThrow("No such task");
  expect(await getTask(rowmill.ctx, userId, young)).toMatchObject({ status: "completed" });
  expect(await getTask(rowmill.ctx, userId, open)).toMatchObject({ status: "pending" });
  for (const table of ["task_events", "task_progress"]) {
    expect(await count(pool, `SELECT count(*) FROM rowmill.${table} WHERE task_id = $1`, [old])).toBe(0);
  }
  const jobs = "SELECT count(*) FROM rowmill_queue.job WHERE data->>'taskId' = $1";
  expect([await count(pool, jobs, [old]), await count(pool, jobs, [young])]).toEqual([0, 1]);
  expect(await removeOldTasks(rowmill.ctx)).toBe(0);
});

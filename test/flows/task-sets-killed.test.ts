import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client } from "../support/client.ts";
import { closeGate } from "../support/gate.ts";
import { activeJobs, missHeartbeats } from "../support/jobs.ts";
import { type Programs, type ServedApi, startPrograms } from "../support/processes.ts";
import { until } from "../support/until.ts";

const TASKS = 2000;

async function createTasks(user: Client, count: number): Promise<void> {
  const tasks = Array.from({ length: count }, () => ({ type: "generic", params: { seconds: 0 } }));
  expect((await user.post("/api/v1/tasks/bulk", { tasks })).status).toBe(201);
}

test("tasks of workers that are killed in the middle of their sets end once each", async () => {
  await using rowmill = await startPrograms();
  const { pool } = rowmill.ctx;
  const api = await rowmill.serveApi();
  const user = await api.client.signUp("reader");
  await createTasks(user, TASKS);
  const completed = async () => {
    const { rows } = await pool.query(
      "SELECT count(*)::int AS count FROM rowmill.tasks WHERE status = 'completed'",
    );
    return rows[0].count as number;
  };
  let before = 0;
  for (let kill = 0; kill < 3; kill++) {
    const worker = await rowmill.startWorker();
    await until("some more tasks have completed", async () => (await completed()) > before + 100);
    await worker.kill();
    before = await completed();
    await missHeartbeats(rowmill.ctx);
  }
  expect(before).toBeLessThan(TASKS);
  await rowmill.startWorker();
  await until("all tasks have completed", async () => (await completed()) === TASKS, 90_000);
  const { rows } = await pool.query(`
    SELECT events, count(*)::int AS tasks, bool_and(is_right) AS is_right
    FROM (
      SELECT string_agg(event.type::text, ' ' ORDER BY event.id) AS events,
        task.result IS NOT NULL AND task.started_at <= task.completed_at AND task.retry_count = 0 AS is_right
      FROM rowmill.tasks AS task JOIN rowmill.task_events AS event ON event.task_id = task.id
      GROUP BY task.id
    ) AS task
    GROUP BY events ORDER BY tasks DESC`);
  // The events of the creation are derived from the task, and not stored.
  expect(rows[0]?.events).toBe("started completed");
  for (const { events, is_right } of rows) {
    // A task whose worker was killed between its start and its end is started again.
    expect(events).toMatch(/^(started queued )*(started )+completed$/);
    expect(is_right).toBe(true);
  }
  expect(rows.reduce((sum, { tasks: count }) => sum + count, 0)).toBe(TASKS);
});

/** PostgreSQL executes what it has read, although the worker is gone, unless the connection breaks on both sides. */
const MOMENTS = (["start", "completeAny", "completeJobs"] as const).flatMap((at) =>
  [true, false].map((isExecuted) => ({ at, isExecuted, outcome: isExecuted ? "executed" : "lost" })),
);

const WARM_UP = 200;
const MANY = 300;

describe("each task ends once after a worker is killed", () => {
  let rowmill: Programs;
  let api: ServedApi;
  beforeAll(async () => {
    rowmill = await startPrograms();
    api = await rowmill.serveApi();
  });
  afterAll(() => rowmill[Symbol.asyncDispose]());

  test.for(MOMENTS)(
    "while the gate $at holds a shared statement that is $outcome",
    async ({ at, isExecuted, outcome }) => {
      const { ctx } = rowmill;
      const user = await api.client.signUp(`${at}-${outcome}`);
      const read = async (sql: string) => (await ctx.pool.query(sql, [user.userId])).rows;
      const ended = () =>
        read(
          "SELECT id, attempt, completed_at FROM rowmill.tasks WHERE user_id = $1 AND status = 'completed'",
        );
      const completed = async () => (await ended()).length;
      const killed = await rowmill.startWorker();
      // The worker learns that these tasks are short.
      await createTasks(user, WARM_UP);
      await until("the first tasks have completed", async () => (await completed()) === WARM_UP);
      // Not for the first tasks, because a user gets a limited number of notifications per hour.
      await user.patch("/api/v1/notification-preferences", { "task.completed": { in_app: true } });
      await using gate = await closeGate(ctx, at);
      await createTasks(user, MANY);
      await gate.reached();
      await until("a set waits", async () => (await activeJobs(ctx, "task.default")) > 10);
      await killed.kill();
      if (!isExecuted) await gate.endWaiting();
      await gate.open();
      await until("no statement waits", async () => (await gate.waiting()) === 0);
      const before = await ended();
      await missHeartbeats(ctx);
      await using _other = await rowmill.startWorker();
      await until("all tasks have completed", async () => (await completed()) === WARM_UP + MANY);
      // Tasks whose end was stored have not run again.
      expect(await ended()).toEqual(expect.arrayContaining(before));
      const all = await read(`
        SELECT count(*)::int AS tasks, sum(retry_count)::int AS retries, bool_and(result IS NOT NULL) AS has_results,
          min(ends)::int AS least, max(ends)::int AS most
        FROM rowmill.tasks CROSS JOIN LATERAL (
          SELECT count(*) AS ends FROM rowmill.task_events WHERE task_id = tasks.id AND task_events.type = 'completed'
        ) AS events
        WHERE user_id = $1`);
      expect(all).toEqual([{ tasks: WARM_UP + MANY, retries: 0, has_results: true, least: 1, most: 1 }]);
      const [told] = await read(
        "SELECT count(*)::int AS all, count(DISTINCT subject_id)::int AS tasks FROM rowmill.notifications WHERE user_id = $1",
      );
      expect(told.tasks).toBeGreaterThan(0);
      expect(told.all).toBe(told.tasks);
    },
  );
});

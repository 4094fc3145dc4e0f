import { expect, test } from "vitest";
import { missHeartbeats } from "../support/jobs.ts";
import { startPrograms } from "../support/processes.ts";
import { until } from "../support/until.ts";

const TASKS = 4000;

test("tasks of workers that are killed in the middle of their sets end once each", async () => {
  await using rowmill = await startPrograms();
  const { pool } = rowmill.ctx;
  const api = await rowmill.serveApi();
  const user = await api.client.signUp("reader");
  const tasks = Array.from({ length: TASKS }, () => ({ type: "generic", params: { seconds: 0 } }));
  const created = await user.post("/api/v1/tasks/bulk", { tasks });
  expect(created.status).toBe(201);
  const completed = async () => {
    const { rows } = await pool.query(
      "SELECT count(*)::int AS count FROM rowmill.tasks WHERE status = 'completed'",
    );
    return rows[0].count as number;
  };
  let before = 0;
  for (let kill = 0; kill < 3; kill++) {
    const worker = await rowmill.startWorker();
    await until("some more tasks have completed", async () => (await completed()) > before + 200);
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

import { expect, test } from "vitest";
import { closeGate } from "../support/gate.ts";
import { missHeartbeats } from "../support/jobs.ts";
import { ownServer } from "../support/own-server.ts";
import { startPrograms } from "../support/processes.ts";
import { until } from "../support/until.ts";

test("each tick creates one task, whether three workers run, lose the database, or are killed", async () => {
  await using server = await ownServer();
  await using rowmill = await startPrograms({}, server.url);
  const { pool } = rowmill.ctx;
  const api = await rowmill.startApi();
  const workers = await Promise.all([1, 2, 3].map(() => rowmill.startWorker()));
  const user = await api.client.signUp("ada");
  const { body: schedule } = await user.post<{ id: string }>("/api/v1/schedules", {
    name: "one",
    cron: "0 0 1 1 *",
    overlap: "allow",
    task: { type: "generic", params: { seconds: 0 } },
  });
  const path = `/api/v1/schedules/${schedule.id}`;
  const makeDue = async () => {
    await pool.query("UPDATE rowmill.schedules SET next_tick_at = now(), next_run_at = now() WHERE id = $1", [
      schedule.id,
    ]);
    // A change of the schedule wakes the workers.
    expect((await user.patch(path, { description: "due" })).status).toBe(200);
  };
  const ticks = async () => (await user.get<{ items: { state: string }[] }>(`${path}/ticks`)).body.items;
  const untilTicks = (count: number) =>
    until(`there are ${count} ticks`, async () => (await ticks())?.length === count);

  await makeDue();
  await untilTicks(1);

  await makeDue();
  await server.stop("SIGQUIT");
  await server.start();
  await until("the API is ready", async () => (await user.get("/readyz")).status === 200);
  await untilTicks(2);
  expect(workers.map(({ hasEnded }) => hasEnded)).toEqual([false, false, false]);

  const gate = await closeGate(rowmill.ctx, "tick");
  await makeDue();
  await gate.reached();
  await Promise.all(workers.map((worker) => worker.kill()));
  await gate.endWaiting();
  await missHeartbeats(rowmill.ctx);
  await gate.open();
  expect(await ticks()).toHaveLength(2);
  await rowmill.startWorker();
  await untilTicks(3);

  await until("all tasks are complete", async () => {
    const { body } = await user.get<{ items: { status: string }[] }>("/api/v1/tasks");
    return body.items.length > 0 && body.items.every(({ status }) => status === "completed");
  });
  const { rows } = await pool.query(
    "SELECT (SELECT count(*)::int FROM rowmill.tasks) AS tasks, count(DISTINCT task.id)::int AS of_ticks FROM rowmill.tasks AS task JOIN rowmill.schedule_ticks ON task_id = task.id AND state = 'created'",
  );
  expect(rows).toEqual([{ tasks: 3, of_ticks: 3 }]);
});

/** Tasks across processes: workers that are killed or stopped, cancels that reach them. */
import { expect, inject, test } from "vitest";
import { cancelTask } from "../../src/tasks/control/cancel-task.ts";
import { createTasks } from "../../src/tasks/create/create-tasks.ts";
import { storedFile } from "../support/files.ts";
import { closeGate } from "../support/gate.ts";
import { missHeartbeats } from "../support/jobs.ts";
import { onServer } from "../support/postgres.ts";
import { startPrograms } from "../support/processes.ts";
import { createTask, endedTask, eventsOf, heldTask, runningTask } from "../support/tasks.ts";
import { until } from "../support/until.ts";

const lasting = (seconds: number) => ({ type: "generic", params: { seconds } });

async function startWithUser() {
  const rowmill = await startPrograms();
  const api = await rowmill.serveApi();
  const user = await api.client.signUp("reader");
  return { rowmill, user, userId: user.userId };
}

test("another worker takes over the task of a killed worker within 30 seconds and records it once", async () => {
  const { rowmill, userId } = await startWithUser();
  await using _ = rowmill;
  await using gate = await closeGate(rowmill.ctx, "complete");
  const killed = await rowmill.startWorker();
  const id = await heldTask(rowmill.ctx, userId);
  await gate.reached();
  await killed.kill();
  await gate.endWaiting();
  await gate.open();
  const other = await rowmill.startWorker();
  const task = await endedTask(rowmill.ctx, id);
  expect(task).toMatchObject({ status: "completed", attempt: 2, retryCount: 0 });
  expect(await eventsOf(rowmill.ctx, id)).toEqual(["created", "queued", "started", "started", "completed"]);
  expect(killed.lines("task succeeded")).toEqual([]);
  expect(await other.logged("task succeeded")).toMatchObject([{ taskId: id, type: "generic", attempt: 2 }]);
});

test("repeatedly killed workers lose no task and complete none twice", async () => {
  const { rowmill, userId } = await startWithUser();
  await using _ = rowmill;
  const requests = Array.from({ length: 300 }, () => lasting(0.02));
  const { tasks } = await createTasks(rowmill.ctx, userId, requests, { together: "parallel" });
  for (let round = 1; round <= 4; round++) {
    const worker = await rowmill.startWorker();
    await worker.logged("task succeeded", round * 5);
    await worker.kill();
    await missHeartbeats(rowmill.ctx);
  }
  await rowmill.startWorker();
  for (const { id } of tasks) expect((await endedTask(rowmill.ctx, id)).status).toBe("completed");
  const { rows } = await rowmill.ctx.pool.query(
    "SELECT count(*)::int AS events, count(DISTINCT task_id)::int AS tasks FROM rowmill.task_events WHERE type = 'completed'",
  );
  expect(rows).toEqual([{ events: 300, tasks: 300 }]);
});

test("terminated database sessions lose no task and complete none twice", async () => {
  const { rowmill, userId } = await startWithUser();
  await using _ = rowmill;
  const worker = await rowmill.startWorker();
  const requests = Array.from({ length: 60 }, () => lasting(0.3));
  const { tasks } = await createTasks(rowmill.ctx, userId, requests, { together: "parallel" });
  const database = new URL(rowmill.databaseUrl).pathname.slice(1);
  for (const done of [5, 20, 35]) {
    await worker.logged("task succeeded", done);
    await onServer(
      inject("serverUrl"),
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}' AND backend_type = 'client backend'`,
    );
  }
  for (const { id } of tasks) {
    expect(await endedTask(rowmill.ctx, id)).toMatchObject({ status: "completed", retryCount: 0 });
  }
  const { rows } = await rowmill.ctx.pool.query(
    "SELECT count(*)::int AS events, count(DISTINCT task_id)::int AS tasks FROM rowmill.task_events WHERE type = 'completed'",
  );
  expect(rows).toEqual([{ events: 60, tasks: 60 }]);
  expect(worker.hasEnded).toBe(false);
});

test("a stopping worker finishes its running tasks", async () => {
  const { rowmill, userId } = await startWithUser();
  await using _ = rowmill;
  await using gate = await closeGate(rowmill.ctx, "complete");
  const stopped = await rowmill.startWorker();
  const id = await heldTask(rowmill.ctx, userId);
  await gate.reached();
  stopped.signal("SIGTERM");
  await stopped.logged("closing");
  await gate.open();
  expect(await stopped.ended).toEqual({ code: 0, signal: null });
  expect(await endedTask(rowmill.ctx, id)).toMatchObject({ status: "completed", attempt: 1 });
});

test("another worker goes on with a task that waits while its worker stops", async () => {
  const { rowmill, userId } = await startWithUser();
  await using _ = rowmill;
  const stopped = await rowmill.startWorker();
  const id = await createTask(rowmill.ctx, userId, lasting(4));
  await runningTask(rowmill.ctx, id);
  expect(await stopped.stop()).toEqual({ code: 0, signal: null });
  expect(await runningTask(rowmill.ctx, id)).toMatchObject({ attempt: 1, retryCount: 0, errorMessage: null });
  await rowmill.startWorker();
  expect(await endedTask(rowmill.ctx, id)).toMatchObject({ status: "completed", attempt: 1, retryCount: 0 });
  expect(await eventsOf(rowmill.ctx, id)).toEqual(["created", "queued", "started", "completed"]);
});

test("a cancel reaches the worker that runs the task", async () => {
  const { rowmill, user, userId } = await startWithUser();
  await using stack = new AsyncDisposableStack();
  stack.use(rowmill);
  const { id: fileId } = await storedFile(user, "Emma Woodhouse, handsome, clever, and rich");
  // The task waits for its file.
  const blocker = await rowmill.ctx.pool.connect();
  stack.defer(() => blocker.release(true));
  await blocker.query("BEGIN; LOCK TABLE rowmill.file_chunks");
  const workers = await Promise.all([rowmill.startWorker(), rowmill.startWorker()]);
  const id = await createTask(rowmill.ctx, userId, { type: "document", fileId });
  await runningTask(rowmill.ctx, id);
  await cancelTask(rowmill.ctx, userId, id, "no need");
  await blocker.query("ROLLBACK");
  // The worker sees that the task has ended, or that its job is gone. On a slow machine, that can come first.
  const stopped = [
    "task stopped: it was cancelled, deleted or started by another worker",
    "job stopped: the worker stops, or another worker has taken it",
  ];
  const lines = () => workers.flatMap((worker) => stopped.flatMap((message) => worker.lines(message)));
  await until("the worker stops the task", async () => lines().length > 0);
  expect(await eventsOf(rowmill.ctx, id)).toEqual(["created", "queued", "started", "cancelled"]);
});

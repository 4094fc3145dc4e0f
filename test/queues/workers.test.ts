import { expect, test, vi } from "vitest";
import { registerWorker } from "../../src/queues/workers/register-worker.ts";
import { removeLostWorkers } from "../../src/queues/workers/remove-lost-workers.ts";
import type { WorkerView } from "../../src/queues/workers/views.ts";
import { csv } from "../support/book-files.ts";
import type { Problem } from "../support/client.ts";
import { printed } from "../support/printed.ts";
import { endedTask, newTask } from "../support/tasks.ts";
import { until } from "../support/until.ts";
import { useAdmin, useRowmill, useUser } from "../support/use-rowmill.ts";

const WORKERS = "/api/v1/admin/workers";

const rowmill = useRowmill();
const operator = useAdmin(rowmill, "operator", "operator");
const user = useUser(rowmill);

const list = async () => (await operator.get<{ items: WorkerView[] }>(WORKERS)).body.items;
const takers = async (queue: string) =>
  (
    await operator.get<{ items: { name: string; workers: number }[] }>("/api/v1/admin/queues")
  ).body.items.find(({ name }) => name === queue)?.workers;

test("a worker shows what it has done with tasks and rows since it started", async () => {
  const { ctx } = rowmill;
  const foreign = await newTask(ctx, user.userId);
  await ctx.pool.query("UPDATE rowmill.tasks SET type = 'of another version' WHERE id = $1", [foreign]);
  const worker = await rowmill.startWorker();
  await using registered = await registerWorker(worker, () => {});
  const path = `${WORKERS}/${registered.id}`;
  expect(await endedTask(ctx, foreign)).toMatchObject({ errorCode: "unknown_type" });
  for (const _ of [1, 2]) await endedTask(ctx, await newTask(ctx, user.userId));
  const { body: batch } = await user.upload(csv(30, 2));
  await user.finished(batch.id);
  const { stats, state } = await until(
    "it has reported",
    async () => {
      const { body } = await operator.get<WorkerView>(path);
      return body.stats && body.stats.rows > 0 ? body : null;
    },
    15_000,
  );
  expect(state).toBe("running");
  expect(stats?.rows).toBe(32);
  expect(stats?.rows_per_second).toBeGreaterThan(0);
  expect(stats?.tasks).toMatchObject([
    { type: "generic", completed: 2, failed: 0, retried: 0 },
    { type: "unknown", completed: 0, failed: 1, retried: 0 },
  ]);
  expect(stats?.tasks[0]?.mean_seconds).toBeGreaterThan(0);
  const shown = await printed(rowmill, `workers get ${registered.id}`);
  expect(shown).toMatch(/^generic +2 +0 +0 +\d/m);
  expect(shown).toMatch(/^Rows: 32, /m);
  expect((await user.get(path)).status).toBe(403);
});

test("workers show their queues and running jobs, and disappear when they end or are lost for a day", async () => {
  const { ctx } = rowmill;
  const worker = await rowmill.startWorker({
    WORKER_QUEUES: "file_processing:2,default",
    WORKER_CONCURRENCY: "3",
  });
  const entry = await registerWorker(worker, () => {});
  const [seen] = await list();
  expect(seen).toMatchObject({
    pid: process.pid,
    queues: { file_processing: 2, default: 3 },
    running: [],
    is_alive: true,
    version: expect.stringMatching(/^\d+\.\d+/),
  });
  expect(await takers("file_processing")).toBe(1);
  expect(await takers("bulk_processing")).toBe(0);
  const { body } = await operator.get<{
    jobs: { name: string; workers: string[] }[];
    task_types: { name: string; workers: string[] }[];
  }>("/api/v1/admin/registered");
  expect(body.task_types).toContainEqual(
    expect.objectContaining({ name: "generic", queue: "default", workers: [seen?.id] }),
  );
  expect(body.jobs).toContainEqual(expect.objectContaining({ name: "batch.process-chunk", workers: [] }));

  await ctx.pool.query("UPDATE rowmill.workers SET last_seen_at = now() - interval '31 seconds'");
  expect(await list()).toMatchObject([{ is_alive: false }]);
  expect(await removeLostWorkers(ctx)).toBe(0);
  await ctx.pool.query(
    "INSERT INTO rowmill.workers SELECT gen_random_uuid(), host, 1, version, queues, running, started_at, now() - interval '25 hours' FROM rowmill.workers",
  );
  expect(await removeLostWorkers(ctx)).toBe(1);
  await entry[Symbol.asyncDispose]();
  expect(await list()).toEqual([]);
});

test("an operator shuts down one worker, which is asked once and listed as stopping", async () => {
  const { ctx } = rowmill;
  const worker = await rowmill.startWorker();
  const [shutDown, shutDownOther] = [vi.fn(), vi.fn()];
  await using registered = await registerWorker(worker, shutDown);
  await using other = await registerWorker(worker, shutDownOther);
  const path = `${WORKERS}/${registered.id}/shutdown`;
  const asked = await operator.post<WorkerView>(path);
  expect(asked).toMatchObject({ status: 202, body: { state: "stopping" } });
  await until("the worker is asked", async () => shutDown.mock.calls.length > 0, 4000);
  const again = await operator.post<WorkerView>(path);
  expect(again.body.stopping_at).toBe(asked.body.stopping_at);
  expect(await list()).toMatchObject([
    { id: registered.id, state: "stopping" },
    { id: other.id, state: "running", stopping_at: null },
  ]);
  const { rows } = await ctx.pool.query(
    "SELECT action, actor_id, subject_id FROM rowmill.audit_log WHERE subject_type = 'worker'",
  );
  expect(rows).toEqual([
    { action: "worker.shut_down", actor_id: String(operator.userId), subject_id: registered.id },
  ]);
  expect(await printed(rowmill, `workers shutdown ${other.id}`)).toContain("stopping");
  await until("the other one is asked", async () => shutDownOther.mock.calls.length > 0, 4000);
  expect(shutDown).toHaveBeenCalledTimes(1);
});

test("a worker that is already ending is listed as stopping, and is not asked again", async () => {
  const shutDown = vi.fn();
  await using registered = await registerWorker(await rowmill.startWorker(), shutDown);
  await registered.markStopping();
  const { body } = await operator.post<WorkerView>(`${WORKERS}/${registered.id}/shutdown`);
  expect(body.state).toBe("stopping");
  expect(shutDown).not.toHaveBeenCalled();
});

test("a lost or unknown worker cannot be shut down", async () => {
  const { ctx } = rowmill;
  await using registered = await registerWorker(await rowmill.startWorker(), () => {});
  await ctx.pool.query("UPDATE rowmill.workers SET last_seen_at = now() - interval '31 seconds'");
  const path = `${WORKERS}/${registered.id}/shutdown`;
  const { status, body } = await operator.post<Problem>(path);
  expect({ status, detail: body.detail }).toMatchObject({
    status: 409,
    detail: expect.stringMatching(/^The worker is lost and cannot be shut down\. It was last seen at 20/),
  });
  expect((await operator.post(`${WORKERS}/01a20159-f320-7af5-a6be-a1fe00000000/shutdown`)).status).toBe(404);
  expect((await user.post(path)).status).toBe(403);
});

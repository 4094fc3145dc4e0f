import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { jobs } from "../../src/jobs.ts";
import { freePort } from "../../src/platform/postgres/embedded/embedded-postgres.ts";
import { COUNTED_EXACTLY } from "../../src/platform/queue/queue-reads.ts";
import { openApiMetrics } from "../../src/queues/metrics/probe-routes.ts";
import type { JobView, QueueView } from "../../src/queues/views.ts";
import { registerWorker } from "../../src/queues/workers/register-worker.ts";
import type { WorkerView } from "../../src/queues/workers/views.ts";
import { createTasks } from "../../src/tasks/create/create-tasks.ts";
import { getTask } from "../../src/tasks/queries.ts";
import { newAdmin } from "../support/admin.ts";
import type { Client, Problem } from "../support/client.ts";
import { closeGate } from "../support/gate.ts";
import { activeJobs } from "../support/jobs.ts";
import { startRowmill } from "../support/rowmill.ts";
import { endedTask, heldTask, newTask, untilTask } from "../support/tasks.ts";
import { until } from "../support/until.ts";
import { useAdmin, useRowmill, useUser } from "../support/use-rowmill.ts";

const ADMIN = "/api/v1/admin";

const rowmill = useRowmill();
const operator = useAdmin(rowmill, "operator", "operator");
const user = useUser(rowmill);

async function queue(operator: Client, name: string): Promise<QueueView> {
  const { body } = await operator.get<{ items: QueueView[] }>(`${ADMIN}/queues`);
  const found = body.items.find((queue) => queue.name === name);
  if (!found) throw new Error(`no queue ${name}`);
  return found;
}

describe("queues", () => {
  test("a queue shows its waiting, scheduled and active jobs and their age", async () => {
    await using rowmill = await startRowmill({ DATABASE_POOL_MAX: "24" });
    const { ctx } = rowmill;
    const operator = await newAdmin(rowmill);
    const { body } = await operator.get<{ items: QueueView[] }>(`${ADMIN}/queues`);
    expect(body.items.map(({ name }) => name)).toEqual([
      "bulk_processing",
      "file_processing",
      "default",
      "notifications",
      "http",
    ]);
    for (const found of body.items) {
      expect(found).toMatchObject({
        waiting: 0,
        scheduled: 0,
        active: 0,
        oldest_waiting_seconds: null,
        workers: 0,
      });
    }
    const { userId } = await rowmill.newUser();
    await using _gate = await closeGate(ctx, "complete");
    const old = await heldTask(ctx, userId);
    await newTask(ctx, userId, 0, { priority: 9 });
    const later = { id: randomUUID(), payload: { taskId: randomUUID(), run: 1 }, startAfterSeconds: 600 };
    await ctx.queue.add(ctx.db, jobs.runTask, [later]);
    await ctx.pool.query(
      "UPDATE rowmill_queue.job SET created_on = now() - interval '1 hour', start_after = now() - interval '1 hour' WHERE data->>'taskId' = $1",
      [old],
    );
    const seen = await queue(operator, "default");
    expect(seen).toMatchObject({ waiting: 2, scheduled: 1, active: 0, retrying: 0, is_estimate: false });
    expect(seen.oldest_waiting_seconds).toBeGreaterThanOrEqual(3600);
    await rowmill.startWorker();
    await until("only one is active", async () => {
      const { active, waiting } = await queue(operator, "default");
      return active === 1 && waiting === 0;
    });
  });

  test("job counts are exact up to ten thousand and come from pg-boss beyond that", async () => {
    await using rowmill = await startRowmill();
    const { ctx } = rowmill;
    const operator = await newAdmin(rowmill);
    const { userId } = await rowmill.newUser();
    const requests = Array.from({ length: COUNTED_EXACTLY }, () => ({ type: "generic" }));
    await createTasks(ctx, userId, requests, { together: "parallel" });
    expect(await queue(operator, "default")).toMatchObject({ waiting: COUNTED_EXACTLY, is_estimate: false });
    await createTasks(ctx, userId, requests, { together: "parallel" });
    const more = await queue(operator, "default");
    expect(more).toMatchObject({ waiting: COUNTED_EXACTLY + 1, is_estimate: true });
    await ctx.pool.query("UPDATE rowmill_queue.queue SET ready_count = 20000 WHERE name = 'task.default'");
    expect(await queue(operator, "default")).toMatchObject({ waiting: 20_000, is_estimate: true });
  });

  test("pausing or resuming a queue twice changes nothing", async () => {
    const paused = await operator.post<QueueView>(`${ADMIN}/queues/notifications/pause`);
    expect(paused).toMatchObject({ status: 200, body: { is_paused: true, paused_by: operator.userId } });
    const again = await operator.post<QueueView>(`${ADMIN}/queues/notifications/pause`);
    expect(again.body.paused_at).toBe(paused.body.paused_at);
    for (const _ of [1, 2]) {
      const resumed = await operator.post<QueueView>(`${ADMIN}/queues/notifications/resume`);
      expect(resumed).toMatchObject({
        status: 200,
        body: { is_paused: false, paused_at: null, paused_by: null },
      });
    }
    const { status, body } = await operator.post<Problem>(`${ADMIN}/queues/none/pause`);
    expect({ status, fields: Object.keys(body.field_errors) }).toEqual({ status: 400, fields: ["queue"] });
  });
});

test("an API serves its metrics on a port of their own", async () => {
  const { ctx } = rowmill;
  const port = await freePort();
  await using _metrics = await openApiMetrics({ ...ctx, config: { ...ctx.config, metricsPort: port } });
  await user.get("/api/v1/batches");
  await until("the request is counted", async () => {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(text).toContain('rowmill_database_connections_max{pool="reads"}');
    return /rowmill_http_requests_total\{method="GET",route="\/api\/v1\/batches",status="200"\} 1\n/.test(
      text,
    );
  });
  expect((await fetch(`${rowmill.url}/metrics`)).status).toBe(404);
});

describe("purging", () => {
  test("purging a queue cancels everybody's pending tasks and no running task", async () => {
    await using rowmill = await startRowmill({ WORKER_CONCURRENCY: "1" });
    const { ctx } = rowmill;
    const operator = await newAdmin(rowmill);
    await rowmill.startWorker();
    const { userId } = await rowmill.newUser();
    const running = await newTask(ctx, userId, 4);
    await untilTask(ctx, running, "runs", ({ status }) => status === "processing");
    const waiting = await createTasks(ctx, userId, [{ type: "generic" }, { type: "generic" }], {
      together: "sequential",
    });
    const path = `${ADMIN}/queues/default/purge`;
    expect((await operator.post(path)).body).toEqual({ matched: 2, changed: 0 });
    expect((await operator.post(path, { expect: 1 })).status).toBe(409);
    expect((await operator.post(path, { expect: 2 })).body).toEqual({ matched: 2, changed: 2 });
    for (const { id } of waiting.tasks) {
      expect(await getTask(ctx, null, id)).toMatchObject({
        status: "cancelled",
        cancelReason: "The queue was purged.",
      });
    }
    expect((await endedTask(ctx, running)).status).toBe("completed");
    expect(await queue(operator, "default")).toMatchObject({ waiting: 0 });
  });

  test("purging bulk_processing cancels batches that have not started", async () => {
    await using rowmill = await startRowmill();
    const operator = await newAdmin(rowmill);
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload("title,author\nEmma,Jane Austen\n");
    const { body: held } = await user.upload("title,author\nPersuasion,Jane Austen\n");
    await user.post(`/api/v1/batches/${held.id}/pause`);
    const path = `${ADMIN}/queues/bulk_processing/purge`;
    expect((await operator.post(path)).body).toEqual({ matched: 1, changed: 0 });
    expect((await operator.post(path, { expect: 1 })).body).toEqual({ matched: 1, changed: 1 });
    expect((await user.batch(batch.id)).body).toMatchObject({
      state: "cancelled",
      reason: "The queue was purged.",
    });
    expect((await user.batch(held.id)).body.state).toBe("paused");
  });
});

describe("jobs", () => {
  type Jobs = {
    items: JobView[];
    next_cursor: string | null;
    schedules: { job: string; cron: string; next_at: string }[];
  };

  test("active and scheduled jobs are listed in pages", async () => {
    await using rowmill = await startRowmill({ DATABASE_POOL_MAX: "24" });
    const { ctx } = rowmill;
    const operator = await newAdmin(rowmill);
    const { userId } = await rowmill.newUser();
    await using _gate = await closeGate(ctx, "complete");
    const ids = [await heldTask(ctx, userId), await heldTask(ctx, userId), await heldTask(ctx, userId)];
    const worker = await rowmill.startWorker();
    await until("three jobs are active", async () => (await activeJobs(ctx, "task.default")) === 3);
    await using registered = await registerWorker(worker, () => {});
    const first = (await operator.get<Jobs>(`${ADMIN}/jobs?limit=2`)).body;
    expect(first.items).toHaveLength(2);
    const rest = (await operator.get<Jobs>(`${ADMIN}/jobs?limit=2&cursor=${first.next_cursor}`)).body;
    expect(rest.next_cursor).toBeNull();
    // The jobs of the schedules run beside them.
    const seen = [...first.items, ...rest.items].filter(({ job }) => job === "task.default");
    expect(seen.map(({ task_id }) => task_id).sort()).toEqual(ids.sort());
    for (const job of seen) {
      expect(job).toMatchObject({
        state: "active",
        job: "task.default",
        queue: "default",
        attempt: 1,
        worker_id: registered.id,
        due_at: null,
      });
    }
    const workers = await operator.get<{ items: WorkerView[] }>(`${ADMIN}/workers`);
    expect(workers.body.items[0]?.running).toContainEqual(
      expect.objectContaining({ job: "task.default", task_id: ids[0], batch_id: null, workflow_id: null }),
    );
    for (const seconds of [600, 60]) {
      const payload = { taskId: randomUUID(), run: 1 };
      await ctx.queue.add(ctx.db, jobs.runTask, [{ id: randomUUID(), payload, startAfterSeconds: seconds }]);
    }
    const later = (await operator.get<Jobs>(`${ADMIN}/jobs?state=scheduled&limit=1`)).body;
    expect(later.items).toMatchObject([{ state: "scheduled", since: null, worker_id: null }]);
    const last = (await operator.get<Jobs>(`${ADMIN}/jobs?state=scheduled&cursor=${later.next_cursor}`)).body;
    expect(last.items).toHaveLength(1);
    expect(Date.parse(last.items[0]?.due_at ?? "")).toBeGreaterThan(Date.parse(later.items[0]?.due_at ?? ""));
    expect(later.schedules.map(({ job }) => job)).toEqual([
      "report.daily",
      "report.weekly",
      "upkeep.clean",
      "upkeep.reconcile",
    ]);
    for (const { next_at } of later.schedules) expect(Date.parse(next_at)).toBeGreaterThan(Date.now());
  });

  test("waiting and failed jobs are listed in pages, by queue", async () => {
    const { ctx } = rowmill;
    const ids: string[] = [];
    for (const priority of [9, 1, 5]) ids.push(await newTask(ctx, user.userId, 0, { priority }));
    const list = async (query: string) => (await operator.get<Jobs>(`${ADMIN}/jobs?${query}`)).body;
    const first = await list("state=waiting&queue=default&limit=2");
    const rest = await list(`state=waiting&queue=default&limit=2&cursor=${first.next_cursor}`);
    expect([...first.items, ...rest.items].map(({ task_id }) => task_id)).toEqual(ids);
    expect(first.items[0]).toMatchObject({ state: "waiting", attempt: 1, since: null, ended_at: null });
    expect((await list("state=waiting&queue=notifications")).items).toEqual([]);
    expect((await list("state=failed")).items).toEqual([]);
    await ctx.pool.query(
      "UPDATE rowmill_queue.job SET state = 'failed', completed_on = now() - make_interval(secs => priority) WHERE name = 'task.default'",
    );
    const failed = await list("state=failed&limit=2");
    const older = await list(`state=failed&limit=2&cursor=${failed.next_cursor}`);
    const shown = [...failed.items, ...older.items];
    expect(shown.map(({ task_id }) => task_id)).toEqual([ids[1], ids[2], ids[0]]);
    expect(shown[0]).toMatchObject({ state: "failed", due_at: null, ended_at: expect.any(String) });
    const job = `/api/v1/jobs/${shown[0]?.id}`;
    expect((await operator.get(job)).body).toMatchObject({ queue: "default", payload: { taskId: ids[1] } });
    expect((await user.get(job)).body).toMatchObject({ queue: "default", payload: null });
  });

  test.each(["!", Buffer.from("2026-01-01/1").toString("base64url")])(
    "the list of jobs refuses the cursor %s",
    async (cursor) => {
      const { status, body } = await operator.get<Problem>(`${ADMIN}/jobs?cursor=${cursor}`);
      expect({ status, fields: Object.keys(body.field_errors) }).toEqual({ status: 400, fields: ["cursor"] });
      expect(user.userId).toBeGreaterThan(0);
    },
  );
});

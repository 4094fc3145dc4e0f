/** Workers as processes of their own: who takes what, who is there, what is held, and what they tell. */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { freePort } from "../../src/platform/postgres/embedded/embedded-postgres.ts";
import type { WorkerView } from "../../src/queues/workers/views.ts";
import { adminOf } from "../support/admin.ts";
import { closeGate } from "../support/gate.ts";
import { activeJobs } from "../support/jobs.ts";
import { type Programs, startPrograms } from "../support/processes.ts";
import { createDatabase } from "../support/rowmill.ts";
import { endedTask, heldTask, newTask } from "../support/tasks.ts";
import { until } from "../support/until.ts";

const ADMIN = "/api/v1/admin";

async function statuses({ ctx }: Programs): Promise<Record<string, number>> {
  const { rows } = await ctx.pool.query<{ status: string; count: number }>(
    "SELECT status, count(*)::int AS count FROM rowmill.tasks GROUP BY status",
  );
  return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
}

test("a worker serves its configured queues with their concurrency", async () => {
  await using rowmill = await startPrograms();
  const { ctx } = rowmill;
  const api = await rowmill.serveApi();
  const { userId } = await api.client.signUp("one");
  const { userId: other } = await api.client.signUp("other");
  await using _gate = await closeGate(ctx, "complete");
  await Promise.all([userId, userId, userId, userId, other].map((id) => heldTask(ctx, id)));
  // Jobs of its queue, before there is a type that belongs to it alone. The last one is not due yet.
  await ctx.pool.query(
    "UPDATE rowmill_queue.job SET name = 'task.file-processing', start_after = CASE WHEN group_id = $1 THEN now() + interval '1 hour' ELSE start_after END",
    [String(other)],
  );
  await rowmill.startWorker({ WORKER_QUEUES: "default" });
  await endedTask(ctx, await newTask(ctx, userId));
  expect(await statuses(rowmill)).toEqual({ pending: 5, completed: 1 });

  await rowmill.startWorker({ WORKER_QUEUES: "file_processing:2,default" });
  const active = async () => {
    const { rows } = await ctx.pool.query<{ user: string; count: number }>(
      `SELECT group_id AS "user", count(*)::int AS count FROM rowmill_queue.job
        WHERE name = 'task.file-processing' AND state = 'active' GROUP BY group_id`,
    );
    return Object.fromEntries(rows.map(({ user, count }) => [user, count]));
  };
  await until("two run", async () => (await active())[userId] === 2);
  await ctx.pool.query("UPDATE rowmill_queue.job SET start_after = now() WHERE group_id = $1", [
    String(other),
  ]);
  await until("and one of somebody else's", async () => (await active())[other] === 1);
  expect(await active()).toEqual({ [userId]: 2, [other]: 1 });
});

test("WORKER_QUEUES with an unknown queue is refused", async () => {
  await using rowmill = await startPrograms();
  const started = rowmill.startWorker({ WORKER_QUEUES: "default,video" });
  await expect(started).rejects.toThrow(
    /rowmill: WORKER_QUEUES: "video" is not one of: all, bulk_processing/,
  );
});

test("workers are listed with their running jobs; shut down ones disappear and killed ones are lost", async () => {
  await using rowmill = await startPrograms();
  const { ctx } = rowmill;
  const api = await rowmill.serveApi();
  const admin = await adminOf(rowmill, api);
  const list = async () => (await admin.get<{ items: WorkerView[] }>(`${ADMIN}/workers`)).body.items;
  const killed = await rowmill.startWorker({ WORKER_QUEUES: "default" });
  const stopped = await rowmill.startWorker({ WORKER_QUEUES: "bulk_processing:3" });
  expect(await list()).toMatchObject([
    { queues: { default: 4 }, is_alive: true },
    { queues: { bulk_processing: 3 }, is_alive: true },
  ]);
  await using gate = await closeGate(ctx, "complete");
  const id = await heldTask(ctx, admin.userId);
  const seen = await until("it tells of the task", async () => {
    const [worker] = await list();
    return worker?.running.length === 1 ? worker : null;
  });
  expect(seen.running[0]?.job).toBe("task.default");
  const [, idle] = await list();
  expect((await admin.post(`${ADMIN}/workers/${idle?.id}/shutdown`)).status).toBe(202);
  expect(await stopped.ended).toEqual({ code: 0, signal: null });
  await killed.kill();
  await gate.endWaiting();
  expect(await list()).toMatchObject([{ id: seen.id, is_alive: true }]);
  await until("it is missed", async () => (await list())[0]?.is_alive === false);
  await gate.open();
  await rowmill.startWorker();
  expect(await endedTask(ctx, id)).toMatchObject({ status: "completed", attempt: 2 });
});

test("a paused queue is paused on every worker, also on later ones, until it is resumed", async () => {
  await using rowmill = await startPrograms();
  const { ctx } = rowmill;
  const api = await rowmill.serveApi();
  const admin = await adminOf(rowmill, api);
  await using gate = await closeGate(ctx, "complete");
  const running = await heldTask(ctx, admin.userId);
  await Promise.all([rowmill.startWorker(), rowmill.startWorker()]);
  await until("a task runs", async () => (await activeJobs(ctx, "task.default")) === 1);
  await admin.post(`${ADMIN}/queues/default/pause`);
  await gate.open();
  expect((await endedTask(ctx, running)).status).toBe("completed");
  // The notification and what was being fetched at the time: within a second nothing is taken any more.
  const beganAfter = new Date(Date.now() + 1000);
  await rowmill.startWorker();
  const held = await Promise.all(Array.from({ length: 20 }, () => newTask(ctx, admin.userId)));
  await until("a while has passed", async () => Date.now() > beganAfter.getTime() + 1000);
  const { rows } = await ctx.pool.query("SELECT count(*)::int FROM rowmill.tasks WHERE started_at > $1", [
    beganAfter,
  ]);
  expect(rows[0].count).toBe(0);
  expect((await statuses(rowmill)).pending).toBe(20);
  await admin.post(`${ADMIN}/queues/default/resume`);
  for (const id of held) expect((await endedTask(ctx, id)).status).toBe("completed");
});

/** The database by another address, at which it can be away. */
async function openProxy(databaseUrl: string) {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on("error", () => to.destroy());
      from.on("close", () => to.destroy());
      from.pipe(to);
    }
  });
  const port = await freePort();
  const open = async () => void (await once(server.listen(port, "127.0.0.1"), "listening"));
  const close = async () => {
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    await closed;
  };
  await open();
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${port}`;
  return { url: url.href, open, close, [Symbol.asyncDispose]: close };
}

describe("WORKER_PORT", () => {
  test("WORKER_PORT answers probes and metrics", async () => {
    await using rowmill = await startPrograms();
    const { ctx } = rowmill;
    const api = await rowmill.serveApi();
    const { userId } = await api.client.signUp("one");
    const port = await freePort();
    await using _gate = await closeGate(ctx, "complete");
    const [short] = [await newTask(ctx, userId), await heldTask(ctx, userId)];
    await rowmill.startWorker({ WORKER_PORT: String(port), WORKER_QUEUES: "default" });
    const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
    expect(await (await get("/livez")).json()).toEqual({ status: "ok" });
    expect(await (await get("/readyz")).json()).toEqual({ status: "ok" });
    expect((await get("/nowhere")).status).toBe(404);
    await endedTask(ctx, short);
    await until("the other runs", async () => (await activeJobs(ctx, "task.default")) === 1);
    const done = 'rowmill_jobs_total{job="task.default",queue="default",outcome="done"} 1\n';
    const text = await until("the worker has counted the first task", async () => {
      const scrape = await get("/metrics");
      expect(scrape.headers.get("content-type")).toMatch(/^text\/plain; version=0.0.4/);
      const metrics = await scrape.text();
      return metrics.includes(done) && metrics;
    });
    expect(text).toContain('rowmill_jobs_running{queue="default"} 1\n');
    expect(text).toMatch(/rowmill_job_seconds_count\{job="task.default",queue="default"\} 1\n/);
    expect(text).toContain('rowmill_queue_waiting{queue="bulk_processing"} 0\n');
    expect(text).toContain('rowmill_queue_oldest_seconds{queue="default"} 0\n');
    expect(text).toContain("process_resident_memory_bytes");
  });

  test("WORKER_PORT reports not ready and still serves metrics while the database is away", async () => {
    await using database = await createDatabase();
    await using proxy = await openProxy(database.url);
    await using rowmill = await startPrograms({}, proxy.url);
    const port = await freePort();
    const worker = await rowmill.startWorker({ WORKER_PORT: String(port) });
    const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
    await proxy.close();
    const notReady = await until("it is not ready", async () => {
      const response = await get("/readyz");
      return response.status === 200 ? null : response;
    });
    expect(notReady.status).toBe(503);
    expect((await get("/livez")).status).toBe(200);
    const text = await (await get("/metrics")).text();
    expect(text).toContain('rowmill_jobs_running{queue="default"} 0\n');
    expect(text).not.toContain("rowmill_queue_waiting{");
    await proxy.open();
    await until("it is ready again", async () => (await get("/readyz")).status === 200);
    expect(worker.hasEnded).toBe(false);
  });

  test("a taken WORKER_PORT is refused with a message", async () => {
    await using rowmill = await startPrograms();
    const port = String(await freePort());
    await rowmill.startWorker({ WORKER_PORT: port });
    const second = rowmill.startWorker({ WORKER_PORT: port });
    await expect(second).rejects.toThrow(/rowmill: WORKER_PORT: in use by another program\. Choose another/);
  });
});

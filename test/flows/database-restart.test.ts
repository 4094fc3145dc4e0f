import { setTimeout as sleep } from "node:timers/promises";
import { expect, inject, test } from "vitest";
import { command, untilBatch } from "../support/batches.ts";
import { csv } from "../support/book-files.ts";
import type { Client, Problem } from "../support/client.ts";
import { IS_OURS } from "../support/count.ts";
import { expectExactlyOnce } from "../support/exactly-once.ts";
import { ownServer } from "../support/own-server.ts";
import { onServer } from "../support/postgres.ts";
import { type Programs, startPrograms } from "../support/processes.ts";
import { SlowUpload } from "../support/slow-upload.ts";
import { until } from "../support/until.ts";

const AWAY_MS = 20_000;

const succeeded = (user: Client, batchId: string, rows: number) =>
  until(`${rows} rows have succeeded`, async () => {
    const { status, body } = await user.batch(batchId);
    return status === 200 && body.counts.success >= rows;
  });

test("terminated database sessions lose no row of a batch", async () => {
  await using rowmill = await startPrograms();
  const api = await rowmill.startApi({ ROW_DELAY_MS: "200" });
  const worker = await rowmill.startWorker();
  const user = await api.client.signUp("reader");
  const { body: batch } = await user.upload(csv(950, 50));
  const database = new URL(rowmill.databaseUrl).pathname.slice(1);
  for (const rows of [1, 300, 600]) {
    await succeeded(user, batch.id, rows);
    await onServer(
      inject("serverUrl"),
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}' AND backend_type = 'client backend'`,
    );
  }
  await user.finished(batch.id);
  await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 950, bad: 50 });
  expect([api.program.hasEnded, worker.hasEnded]).toEqual([false, false]);
});

test.for(["batch_rows", "chunks"])(
  "an upload whose session ends while it writes %s is answered with 503, and the API lives on",
  async (table) => {
    await using rowmill = await startPrograms();
    const { pool } = rowmill.ctx;
    const api = await rowmill.startApi();
    const user = await api.client.signUp("reader");
    const blocker = await pool.connect();
    await blocker.query(`BEGIN; LOCK TABLE rowmill.${table} IN SHARE ROW EXCLUSIVE MODE`);
    const answer = user.upload<Problem>(csv(25));
    answer.catch(() => {});
    await until("the upload waits for the table, and its session is ended", async () => {
      const { rowCount } = await pool.query(
        `SELECT pg_terminate_backend(pid) FROM pg_locks
          WHERE relation = 'rowmill.${table}'::regclass AND NOT granted AND ${IS_OURS}`,
      );
      return rowCount === 1;
    });
    await blocker.query("ROLLBACK");
    blocker.release();
    const { status, body } = await answer;
    expect([status, body.code]).toEqual([503, "unavailable"]);
    expect(api.program.hasEnded).toBe(false);
    const again = await user.upload(csv(25));
    expect(again.status).toBe(202);
    await until("only the second upload is left", async () => {
      const { body } = await user.get<{ items: object[] }>("/api/v1/batches");
      return body.items.length === 1;
    });
  },
);

test.for<["SIGINT" | "SIGQUIT", string]>([
  ["SIGINT", "is restarted"],
  ["SIGQUIT", "crashes"],
])("the API reports a database that %s %s during a batch, and everything continues", async ([signal]) => {
  await using server = await ownServer();
  await using rowmill = await startPrograms({}, server.url);
  const api = await rowmill.startApi({ ROW_DELAY_MS: "300" });
  const worker = await rowmill.startWorker();
  const user = await api.client.signUp("bookworm");
  const { body: batch } = await user.upload(csv(950, 50));
  using upload = new SlowUpload(user);
  await upload.send(csv(40_000));
  upload.trickle();
  await until("a segment of the other file is stored", async () => (await storedRows(rowmill)) > 1000);
  await succeeded(user, batch.id, 1);

  await server.stop(signal);
  await expectUnavailable(user, "GET", "/readyz");
  await expectUnavailable(user, "GET", `/api/v1/batches/${batch.id}`);
  await expectUnavailable(user, "GET", `/api/v1/batches/${batch.id}/rows`);
  await expectUnavailable(user, "GET", "/api/v1/books");
  const account = { username: "private-name", password: "private-password" };
  await expectUnavailable(api.client, "POST", "/api/v1/auth/signup", account);
  await expectUnavailable(api.client, "POST", "/api/v1/auth/login", account);
  const form = new FormData();
  form.set("file", new Blob([csv(1)]), "test.csv");
  await expectUnavailable(user, "POST", "/api/v1/batches", form);
  expect(await upload.end()).toMatchObject({
    status: 503,
    type: expect.stringContaining("application/problem+json"),
  });
  expect((await user.get("/livez")).status).toBe(200);

  await server.start();
  await until("the API is ready", async () => (await user.get("/readyz")).status === 200);
  await user.finished(batch.id);
  await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 950, bad: 50 });
  expect([api.program.hasEnded, worker.hasEnded]).toEqual([false, false]);
  const logs = api.program.output + worker.output;
  for (const personal of ["private-name", "private-password", "bookworm", "Title 1", "Author 1"]) {
    expect(
      logs.split("\n").filter((line) => line.includes(personal)),
      `log lines with "${personal}"`,
    ).toEqual([]);
  }
});

const storedRows = async ({ ctx }: Programs) =>
  Number((await ctx.pool.query("SELECT count(*) FROM rowmill.batch_rows")).rows[0].count);

test("a database that crashes right after it has accepted uploads has every row of them", async () => {
  await using server = await ownServer();
  await using rowmill = await startPrograms({}, server.url);
  const { pool } = rowmill.ctx;
  // Commits that do not wait for the disk are then written only with one that does.
  await pool.query("ALTER SYSTEM SET wal_writer_delay = '10s'");
  await pool.query("ALTER SYSTEM SET wal_writer_flush_after = '1GB'");
  await pool.query("SELECT pg_reload_conf()");
  const api = await rowmill.startApi();
  const users = await Promise.all([1, 2, 3, 4].map((number) => api.client.signUp(`reader${number}`)));
  const accepted: { user: Client; id: string; rows: number }[] = [];
  const crash = Promise.withResolvers<void>();
  const sending = users.map(async (user, at) => {
    for (let round = 0; ; round++) {
      const rows = 6000 + 2000 * at + round;
      const { status, body } = await user.upload(csv(rows), "/api/v1/batches?target=records");
      if (status !== 202) return;
      accepted.push({ user, id: body.id, rows });
      if (accepted.length === 3) crash.resolve();
    }
  });
  const sent = Promise.allSettled(sending);
  await crash.promise;
  await server.stop("SIGQUIT");
  await sent;
  await server.start();
  await until("the API is ready", async () => (await api.client.get("/readyz")).status === 200);
  expect(accepted.length).toBeGreaterThan(2);
  await rowmill.startWorker();
  for (const { user, id, rows } of accepted) {
    const { state, counts } = await user.finished(id);
    expect({ state, total: counts.total, success: counts.success }).toEqual({
      state: "completed",
      total: rows,
      success: rows,
    });
    expect(await stored(rowmill, "batch_rows", id)).toBe(rows);
    expect(await stored(rowmill, "records", id)).toBe(rows);
  }
});

const stored = async ({ ctx }: Programs, table: string, batchId: string) =>
  Number(
    (await ctx.pool.query(`SELECT count(*) FROM rowmill.${table} WHERE batch_id = $1`, [batchId])).rows[0]
      .count,
  );

test("an undo during which the database crashes reverts every record once", async () => {
  await using server = await ownServer();
  await using rowmill = await startPrograms({}, server.url);
  const api = await rowmill.startApi();
  const user = await api.client.signUp("reader");
  const worker = await rowmill.startWorker();
  const { body: batch } = await user.upload(csv(20_000));
  await user.finished(batch.id, 90_000);
  await command(user, batch.id, "undo");
  await untilBatch(user, batch.id, "has undone rows", ({ counts }) => counts.undone > 0);
  expect((await user.batch(batch.id)).body.state).toBe("undoing");

  await server.stop("SIGQUIT");
  await expectUnavailable(user, "GET", `/api/v1/batches/${batch.id}`);
  await server.start();
  await until("the API is ready", async () => (await user.get("/readyz")).status === 200);
  expect(await user.finished(batch.id, 90_000)).toMatchObject({
    state: "undone",
    undo: { reversed: 20_000, kept: 0, failed: 0 },
    counts: { total: 20_000, undone: 20_000, success: 0 },
  });
  expect((await rowmill.ctx.pool.query("SELECT FROM rowmill.books")).rowCount).toBe(0);
  expect([api.program.hasEnded, worker.hasEnded]).toEqual([false, false]);
});

test("a database that is away for long uses up no attempt of a row or a task", async () => {
  await using server = await ownServer();
  const settings = { ROW_MAX_RETRIES: "0", TASK_MAX_RETRIES: "0" };
  await using rowmill = await startPrograms(settings, server.url);
  const api = await rowmill.startApi({ ROW_DELAY_MS: "300" });
  const worker = await rowmill.startWorker();
  const user = await api.client.signUp("reader");
  const { body: batch } = await user.upload(csv(380, 20));
  const { body: atomic } = await user.upload(csv(60), "/api/v1/batches?target=records&policy=atomic");
  const { body: task } = await user.post<{ id: string }>("/api/v1/tasks", {
    type: "generic",
    params: { seconds: 10 },
  });
  await succeeded(user, batch.id, 1);

  await server.stop("SIGQUIT");
  const linesBefore = worker.output.split("\n").length;
  // A worker that starts meanwhile waits for the database.
  const late = rowmill.startWorker();
  // Longer than the heartbeat of a job and than all of pg-boss's delays.
  await sleep(AWAY_MS);
  const linesMeanwhile = worker.output.split("\n").length - linesBefore;
  expect(linesMeanwhile / (AWAY_MS / 1000)).toBeLessThan(20);
  expect(worker.hasEnded).toBe(false);

  await server.start();
  await late;
  await user.finished(batch.id, 90_000);
  await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 380, bad: 20 });
  expect((await user.finished(atomic.id, 90_000)).state).toBe("completed");
  await until(
    "the task has ended",
    async () => {
      const { body } = await user.get<{ status: string }>(`/api/v1/tasks/${task.id}`);
      return body.status === "completed";
    },
    90_000,
  );
  const { rows } = await rowmill.ctx.pool.query(
    "SELECT error_code FROM rowmill.row_results WHERE error_code IN ('gave_up', 'database_busy', 'worker_crashed')",
  );
  expect(rows).toEqual([]);
});

async function expectUnavailable(client: Client, method: string, path: string, body?: object): Promise<void> {
  const isForm = body instanceof FormData;
  const answer = await client.send<Problem>(method, path, {
    signal: AbortSignal.timeout(15_000),
    ...(isForm ? { body } : body ? { body: JSON.stringify(body) } : {}),
    headers: body && !isForm ? { "content-type": "application/json" } : {},
  });
  expect([method, path, answer.status]).toEqual([method, path, 503]);
  expect(answer.headers.get("content-type")).toContain("application/problem+json");
  expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
  expect(answer.body).toMatchObject({ status: 503, code: "unavailable" });
}

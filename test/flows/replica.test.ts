/** Lists, reports and results that are read from a standby: DATABASE_READ_URL. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { TaskView } from "../../src/tasks/views.ts";
import { newAdmin } from "../support/admin.ts";
import { csv } from "../support/book-files.ts";
import type { Client } from "../support/client.ts";
import { run, unset } from "../support/commands.ts";
import { type OwnServer, ownServer } from "../support/own-server.ts";
import { type Rowmill, startRowmill } from "../support/rowmill.ts";
import { startSecondApi } from "../support/second-api.ts";
import { type Standby, startStandby } from "../support/standby.ts";
import { makeTask } from "../support/task-client.ts";
import { until } from "../support/until.ts";

const resources = new AsyncDisposableStack();
let server: OwnServer;
let standby: Standby;

beforeAll(async () => {
  server = resources.use(await ownServer());
  standby = resources.use(await startStandby(server));
}, 60_000);
afterAll(() => resources.disposeAsync());

/** An API that reads from the standby, and one that does not. Users of both are known to the standby. */
async function startApis(settings: NodeJS.ProcessEnv = {}) {
  await standby.resume();
  const rowmill = await startRowmill({ DATABASE_READ_URL: standby.url, ...settings }, server.url);
  onTestFinished(() => rowmill[Symbol.asyncDispose]());
  const other = await startSecondApi(rowmill, { databaseReadUrl: "" });
  onTestFinished(() => other[Symbol.asyncDispose]());
  const elsewhere = await other.client.signUp(`user-${Math.random().toString(36).slice(2)}`);
  const user = rowmill.client.as({ access: elsewhere.token, refresh: "", user: { id: elsewhere.userId } });
  await untilCaughtUp(rowmill);
  return { rowmill, user, elsewhere };
}

/** The standby shows everything that was committed before the call, and the API knows it. */
async function untilCaughtUp({ ctx }: Rowmill): Promise<void> {
  const calledAt = performance.now();
  await until("the standby has caught up", async () => {
    const lagMs = (ctx.replica?.lagSeconds ?? Number.POSITIVE_INFINITY) * 1000;
    return performance.now() - lagMs > calledAt;
  });
}

const idsOf = async (user: Client, headers: Record<string, string> = {}) => {
  const { status, body } = await user.get<{ items: TaskView[] }>("/api/v1/tasks", headers);
  expect(status).toBe(200);
  return body.items.map(({ id }) => id);
};

/** Returns the number of times that a read takes a connection to the standby. */
function countReads({ ctx }: Rowmill): () => number {
  let count = 0;
  ctx.replica?.pool.on("acquire", () => count++);
  return () => count;
}

describe("while the standby shows a state of some seconds ago", () => {
  test("a list may lack what was created elsewhere, unless the request asks for the latest state", async () => {
    const { rowmill, user, elsewhere } = await startApis({ DATABASE_READ_MAX_LAG_SECONDS: "600" });
    await standby.pause();
    const task = await makeTask(elsewhere);
    expect(await idsOf(user)).toEqual([]);
    expect(await idsOf(user, { "cache-control": "no-cache" })).toEqual([task.id]);
    // A single task is always read from the database itself.
    expect((await user.get(`/api/v1/tasks/${task.id}`)).status).toBe(200);
    await standby.resume();
    await untilCaughtUp(rowmill);
    expect(await idsOf(user)).toEqual([task.id]);
  });

  test("a list has what its user has created through the same API, and other users still read from the standby", async () => {
    const { rowmill, user, elsewhere } = await startApis({ DATABASE_READ_MAX_LAG_SECONDS: "600" });
    const other = await rowmill.client.signUp(`other-${Math.random().toString(36).slice(2)}`);
    await untilCaughtUp(rowmill);
    await standby.pause();
    const task = await makeTask(user);
    expect(await idsOf(user)).toEqual([task.id]);
    const reads = countReads(rowmill);
    expect(await idsOf(other)).toEqual([]);
    expect(reads()).toBeGreaterThan(0);
    expect(await idsOf(elsewhere)).toEqual([task.id]);
  });

  test("a standby that is further behind than DATABASE_READ_MAX_LAG_SECONDS is not read, until it has caught up", async () => {
    const { rowmill, user, elsewhere } = await startApis({ DATABASE_READ_MAX_LAG_SECONDS: "1" });
    await standby.pause();
    const task = await makeTask(elsewhere);
    await until("the API reads from the database itself", async () => (await idsOf(user)).includes(task.id));
    await standby.resume();
    await untilCaughtUp(rowmill);
    const reads = countReads(rowmill);
    expect(await idsOf(user)).toEqual([task.id]);
    expect(reads()).toBeGreaterThan(0);
  });

  test("results of a batch are read from the standby once it ended more than a minute ago", async () => {
    const { rowmill, user } = await startApis({ DATABASE_READ_MAX_LAG_SECONDS: "600" });
    await rowmill.startWorker();
    const { body: batch } = await user.upload(csv(2));
    await user.finished(batch.id);
    await untilCaughtUp(rowmill);
    await standby.pause();
    const pool = rowmill.ctx.pool;
    await pool.query(
      'UPDATE rowmill.batch_rows SET fields = \'["Changed", "Later", ""]\' WHERE batch_id = $1',
      [batch.id],
    );
    const file = async () => {
      const { status, body } = await user.download(`/api/v1/batches/${batch.id}/results/all.csv`, {
        authorization: `Bearer ${user.token}`,
      });
      expect(status).toBe(200);
      return body.toString();
    };
    expect(await file()).toContain("Changed");
    await pool.query(
      "UPDATE rowmill.batches SET finished_at = finished_at - interval '2 minutes' WHERE id = $1",
      [batch.id],
    );
    expect(await file()).not.toContain("Changed");
    expect(await file()).toContain("success");
  });
});

test("lists are answered while the standby stops and starts, and are read from it again", async () => {
  const { rowmill, user } = await startApis();
  const task = await makeTask(user);
  await untilCaughtUp(rowmill);
  let isOver = false;
  const reading = (async () => {
    let answers = 0;
    for (; !isOver; answers++) expect(await idsOf(user)).toEqual([task.id]);
    return answers;
  })();
  await standby.stop();
  await expect.poll(() => rowmill.ctx.replica?.lagSeconds).toBeGreaterThan(1);
  await standby.start();
  await untilCaughtUp(rowmill);
  isOver = true;
  expect(await reading).toBeGreaterThan(10);
  const reads = countReads(rowmill);
  expect(await idsOf(user)).toEqual([task.id]);
  expect(reads()).toBeGreaterThan(0);
});

test("a read that the standby cancels, because it holds up the replay, is repeated on the database itself", async () => {
  const { rowmill, user } = await startApis();
  const task = await makeTask(user);
  await untilCaughtUp(rowmill);
  const { pool } = rowmill.ctx;
  // The replay of a lock waits for the reads before it, and then cancels them.
  await standby
    .query("ALTER SYSTEM SET max_standby_streaming_delay = 0")
    .then(() => standby.query("SELECT pg_reload_conf()"));
  onTestFinished(async () => {
    await standby.query("ALTER SYSTEM RESET max_standby_streaming_delay");
    await standby.query("SELECT pg_reload_conf()");
  });
  const reading = rowmill.ctx.replica
    ?.readsFor(null)
    ?.pool.query("SELECT count(*), pg_sleep(3) FROM rowmill.tasks");
  await until("the read runs on the standby", async () => {
    const running = await standby.query(
      "SELECT FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3)%' AND state = 'active' AND pid <> pg_backend_pid()",
    );
    return running.length === 1;
  });
  await pool.query(
    "BEGIN; LOCK TABLE rowmill.tasks IN ACCESS EXCLUSIVE MODE; SELECT pg_current_xact_id(); COMMIT",
  );
  await until("the standby has cancelled it", async () => {
    const [{ conflicts = 0 } = {}] = await standby.query<{ conflicts: number }>(
      "SELECT sum(confl_lock)::int AS conflicts FROM pg_stat_database_conflicts",
    );
    return conflicts > 0;
  });
  expect((await reading)?.rows).toMatchObject([{ count: String(1 + (await otherTasks(pool, task.id))) }]);
});

async function otherTasks(pool: Rowmill["ctx"]["pool"], id: string): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    "SELECT count(*)::int AS count FROM rowmill.tasks WHERE id <> $1",
    [id],
  );
  return rows[0]?.count ?? 0;
}

test("every list that may lag is read from the standby, also those of operators", async () => {
  const { rowmill } = await startApis();
  const admin = await newAdmin(rowmill, `root-${Math.random().toString(36).slice(2)}`);
  await untilCaughtUp(rowmill);
  const paths = [
    ...[
      "batches",
      "tasks",
      "tasks/stats",
      "books",
      "records",
      "files",
      "workflows",
      "reports",
      "outbox",
      "accounts",
    ],
    ...["admin/batches", "admin/tasks", "admin/workflows", "admin/audit", "admin/statistics?period=day"],
  ];
  const reads = countReads(rowmill);
  for (const path of paths) {
    const before = reads();
    const { status, body } = await admin.get(`/api/v1/${path}`);
    expect({ path, status, body, isRead: reads() > before }).toMatchObject({
      path,
      status: 200,
      isRead: true,
    });
  }
});

test("a server that is no standby is never read, and the API says so", async () => {
  await using rowmill = await startRowmill({ DATABASE_READ_URL: server.url }, server.url);
  expect(rowmill.ctx.replica?.readsFor(null)).toBeNull();
  const user = await rowmill.client.signUp(`reader-${Math.random().toString(36).slice(2)}`);
  expect(await idsOf(user)).toEqual([]);
});

test("doctor says whether the standby can be used", async () => {
  await standby.resume();
  const settings = {
    DATABASE_URL: server.url,
    JWT_SECRET: "test".repeat(8),
    DATABASE_READ_MAX_LAG_SECONDS: "1",
  };
  const doctor = async (url: string) => {
    const { output } = await run(process.execPath, ["src/cli.ts", "doctor"], {
      ...unset,
      ...settings,
      DATABASE_READ_URL: url,
    }).ended;
    return output;
  };
  expect(await doctor(standby.url)).toContain("✓ The standby (DATABASE_READ_URL) follows the database.");
  expect(await doctor(server.url)).toContain("✗ DATABASE_READ_URL is no standby");
  expect(await doctor("postgres://127.0.0.1:1/none")).toContain("✗ Cannot reach the standby");
});

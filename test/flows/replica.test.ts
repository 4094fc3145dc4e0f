/** Lists, reports and results that are read from a standby: DATABASE_READ_URL. */
import { describe, expect, onTestFinished, test } from "vitest";
import { knownMigrations } from "../../src/migrate.ts";
import { writeReport } from "../../src/reports/write-report.ts";
import type { TaskView } from "../../src/tasks/views.ts";
import { newAdmin } from "../support/admin.ts";
import { csv } from "../support/book-files.ts";
import type { Client } from "../support/client.ts";
import { run, unset } from "../support/commands.ts";
import { migrate, onDatabase } from "../support/databases.ts";
import { create, databaseUrl } from "../support/postgres.ts";
import { countReads, untilCaughtUp, useReplicated } from "../support/replicated.ts";
import { bytesOf, path } from "../support/result-files.ts";
import { type Rowmill, startRowmill } from "../support/rowmill.ts";
import { makeTask } from "../support/task-client.ts";
import { until } from "../support/until.ts";

const replicated = useReplicated();
const { startApis, cancelAtOnce, countConflicts } = replicated;

const idsOf = async (user: Client, headers: Record<string, string> = {}) => {
  const { status, body } = await user.get<{ items: TaskView[] }>("/api/v1/tasks", headers);
  expect(status).toBe(200);
  return body.items.map(({ id }) => id);
};

describe("while the standby shows a state of some seconds ago", () => {
  test("a list may lack what was created elsewhere, unless the request asks for the latest state", async () => {
    const { rowmill, user, elsewhere } = await startApis({ DATABASE_READ_MAX_LAG_SECONDS: "600" });
    await replicated.standby.pause();
    const task = await makeTask(elsewhere);
    expect(await idsOf(user)).toEqual([]);
    expect(await idsOf(user, { "cache-control": "no-cache" })).toEqual([task.id]);
    // A single task is always read from the database itself.
    expect((await user.get(`/api/v1/tasks/${task.id}`)).status).toBe(200);
    await replicated.standby.resume();
    await untilCaughtUp(rowmill);
    expect(await idsOf(user)).toEqual([task.id]);
  });

  test("a list has what its user has created through the same API, and other users still read from the standby", async () => {
    const { rowmill, user, elsewhere } = await startApis({ DATABASE_READ_MAX_LAG_SECONDS: "600" });
    const other = await rowmill.client.signUp(`other-${Math.random().toString(36).slice(2)}`);
    await untilCaughtUp(rowmill);
    await replicated.standby.pause();
    const task = await makeTask(user);
    expect(await idsOf(user)).toEqual([task.id]);
    const reads = countReads(rowmill);
    expect(await idsOf(other)).toEqual([]);
    expect(reads()).toBeGreaterThan(0);
    expect(await idsOf(elsewhere)).toEqual([task.id]);
  });

  test("a standby that is further behind than DATABASE_READ_MAX_LAG_SECONDS is not read, until it has caught up", async () => {
    const { rowmill, user, elsewhere } = await startApis({ DATABASE_READ_MAX_LAG_SECONDS: "1" });
    await replicated.standby.pause();
    const task = await makeTask(elsewhere);
    await until("the API reads from the database itself", async () => (await idsOf(user)).includes(task.id));
    await replicated.standby.resume();
    await untilCaughtUp(rowmill);
    const reads = countReads(rowmill);
    await until("the list is read from the standby again", async () => {
      expect(await idsOf(user)).toEqual([task.id]);
      return reads() > 0;
    });
  });

  test("results of a batch are read from the standby once it ended more than a minute ago", async () => {
    const { rowmill, user } = await startApis({ DATABASE_READ_MAX_LAG_SECONDS: "600" });
    await rowmill.startWorker();
    const { body: batch } = await user.upload(csv(2));
    await user.finished(batch.id);
    await untilCaughtUp(rowmill);
    await replicated.standby.pause();
    const pool = rowmill.ctx.pool;
    await pool.query(
      'UPDATE rowmill.batch_rows SET fields = \'["Changed", "Later", ""]\' WHERE batch_id = $1',
      [batch.id],
    );
    const file = () => bytesOf(user, path(batch.id, "all.csv")).then(String);
    expect(await file()).toContain("Changed");
    await pool.query(
      "UPDATE rowmill.batches SET finished_at = finished_at - interval '2 minutes' WHERE id = $1",
      [batch.id],
    );
    expect(await file()).not.toContain("Changed");
    expect(await file()).toContain("success");
    const reads = countReads(rowmill);
    expect((await user.get(`/api/v1/batches/${batch.id}/errors`)).status).toBe(200);
    expect(reads()).toBeGreaterThan(0);
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
  await replicated.standby.stop();
  await expect.poll(() => rowmill.ctx.replica?.lagSeconds).toBeGreaterThan(1);
  await replicated.standby.start();
  await untilCaughtUp(rowmill);
  isOver = true;
  expect(await reading).toBeGreaterThan(10);
  const reads = countReads(rowmill);
  await until("the list is read from the standby again", async () => {
    expect(await idsOf(user)).toEqual([task.id]);
    return reads() > 0;
  });
});

test("searches of books and sorted books, which are read in transactions, are answered when the standby has just ended", async () => {
  const { rowmill, user } = await startApis({ DATABASE_READ_MAX_LAG_SECONDS: "600" });
  await user.post("/api/v1/books", { title: "Emma", author: "Austen" });
  for (const query of ["search=emma", "sort=title", "search=emma&sort=-author"]) {
    await untilCaughtUp(rowmill);
    await replicated.standby.stop();
    const { status, body } = await user.get(`/api/v1/books?${query}`);
    await replicated.standby.start();
    expect({ query, status, body }).toMatchObject({
      query,
      status: 200,
      body: { items: [{ title: "Emma" }] },
    });
  }
});

test("a report is written from the standby, and from the database itself if the standby has just ended", async () => {
  const { rowmill } = await startApis({ DATABASE_READ_MAX_LAG_SECONDS: "600" });
  // The day has ended long ago, also at midnight.
  const date = new Date(Date.now() - 2 * 86_400_000).toISOString().slice(0, 10);
  await untilCaughtUp(rowmill);
  const reads = countReads(rowmill);
  await writeReport(rowmill.ctx, "daily", { date });
  expect(reads()).toBeGreaterThan(0);
  await replicated.standby.stop();
  onTestFinished(() => replicated.standby.start());
  expect(rowmill.ctx.replica?.readsFor(null)).not.toBeNull();
  expect(await writeReport(rowmill.ctx, "daily", { date })).toMatchObject({
    kind: "daily",
    periodStart: date,
  });
});

test("an API that starts after a migration does not read from a standby that lacks it, however far the standby may lag", async () => {
  const [url, readUrl] = [replicated.server.url, replicated.standby.url].map((one) =>
    databaseUrl(one, "late"),
  );
  await replicated.standby.resume();
  await create(replicated.server.url, "late");
  await migrate(url ?? "", knownMigrations().length - 1);
  await untilAnswers(readUrl ?? "");
  await replicated.standby.pause();
  await migrate(url ?? "");
  await using rowmill = await startRowmill(
    { DATABASE_READ_URL: readUrl, DATABASE_READ_MAX_LAG_SECONDS: "600" },
    url,
  );
  expect(rowmill.ctx.replica?.readsFor(null)).toBeNull();
  const user = await rowmill.newUser();
  expect((await user.get("/api/v1/batches")).status).toBe(200);
  await replicated.standby.resume();
  await untilCaughtUp(rowmill);
  expect(rowmill.ctx.replica?.readsFor(null)).not.toBeNull();
});

/** The standby has the database. */
async function untilAnswers(url: string): Promise<void> {
  await until("the standby has the database", () =>
    onDatabase(url, (client) => client.query("SELECT FROM rowmill.tasks")).then(
      () => true,
      () => false,
    ),
  );
}

test("a read that the standby cancels, because it holds up the replay, is repeated on the database itself", async () => {
  const { rowmill, user } = await startApis({ DATABASE_READ_MAX_LAG_SECONDS: "600" });
  const task = await makeTask(user);
  await untilCaughtUp(rowmill);
  const { pool } = rowmill.ctx;
  await cancelAtOnce();
  const before = await countConflicts();
  const reading = rowmill.ctx.replica
    ?.readsFor(null)
    ?.pool.query(
      "SELECT count(*), pg_sleep(CASE WHEN pg_is_in_recovery() THEN 30 ELSE 0 END) FROM rowmill.tasks",
    );
  await until("the read runs on the standby", async () => {
    const running = await replicated.standby.query(
      "SELECT FROM pg_stat_activity WHERE query LIKE '%pg_sleep(CASE%' AND state = 'active' AND pid <> pg_backend_pid()",
    );
    return running.length === 1;
  });
  await pool.query(
    "BEGIN; LOCK TABLE rowmill.tasks IN ACCESS EXCLUSIVE MODE; SELECT pg_current_xact_id(); COMMIT",
  );
  await until("the standby has cancelled it", async () => (await countConflicts()) > before);
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
  const { rowmill } = await startApis({ DATABASE_READ_MAX_LAG_SECONDS: "600" });
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
    ...["admin/batches", "admin/tasks", "admin/workflows", "admin/audit", "admin/statistics?range=24h"],
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
  await using rowmill = await startRowmill(
    { DATABASE_READ_URL: replicated.server.url },
    replicated.server.url,
  );
  expect(rowmill.ctx.replica?.readsFor(null)).toBeNull();
  const user = await rowmill.client.signUp(`reader-${Math.random().toString(36).slice(2)}`);
  expect(await idsOf(user)).toEqual([]);
});

test("doctor says whether the standby can be used", async () => {
  await replicated.standby.resume();
  const settings = {
    DATABASE_URL: replicated.server.url,
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
  expect(await doctor(replicated.standby.url)).toContain(
    "✓ The standby (DATABASE_READ_URL) follows the database.",
  );
  expect(await doctor(replicated.server.url)).toContain("✗ DATABASE_READ_URL is no standby");
  expect(await doctor("postgres://127.0.0.1:1/none")).toContain("✗ Cannot reach the standby");
});

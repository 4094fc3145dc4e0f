import { describe, expect, test } from "vitest";
import { type Context, inTransaction } from "../../src/context.ts";
import { QUEUES } from "../../src/jobs.ts";
import { readBuckets } from "../../src/queues/statistics/queries.ts";
import { recordMinute } from "../../src/queues/statistics/record-minute.ts";
import { removeOldMinutes } from "../../src/queues/statistics/remove-old-minutes.ts";
import type { StatisticsView } from "../../src/queues/statistics/views.ts";
import { countWork } from "../../src/queues/workers/count-work.ts";
import { registerWorker } from "../../src/queues/workers/register-worker.ts";
import { listTasks } from "../../src/tasks/list-tasks.ts";
import { csv } from "../support/book-files.ts";
import { explaining } from "../support/plans.ts";
import { endedTask, newTask } from "../support/tasks.ts";
import { until } from "../support/until.ts";
import { useAdmin, useRowmill, useUser } from "../support/use-rowmill.ts";

const PATH = "/api/v1/admin/statistics";
const MINUTE = 60_000;

const rowmill = useRowmill();
const operator = useAdmin(rowmill, "operator", "operator");
const user = useUser(rowmill);

const read = async (range = "1h") => (await operator.get<StatisticsView>(`${PATH}?range=${range}`)).body;
/** Of one start: a minute may end while a test runs. */
const STARTED_AT = Date.now();
const at = (minutesAgo: number): Context => ({
  ...rowmill.ctx,
  now: () => new Date(STARTED_AT - minutesAgo * MINUTE),
});
const recorded = (view: StatisticsView) => view.buckets.filter(({ minutes }) => minutes > 0);
const totals = (view: StatisticsView) => {
  const sum = (numberOf: (bucket: StatisticsView["buckets"][number]) => number | undefined) =>
    view.buckets.reduce((total, bucket) => total + (numberOf(bucket) ?? 0), 0);
  return {
    succeeded: sum(({ rows }) => rows?.succeeded),
    failed: sum(({ rows }) => rows?.failed),
    completed: sum(({ tasks }) => tasks?.completed),
  };
};

/** A worker that has done this much since it started. */
const report = (id: string, rows: number, lastSeen = "0 s") =>
  rowmill.ctx.pool.query(
    `INSERT INTO rowmill.workers (id, host, pid, version, queues, running, started_at, last_seen_at, stats)
     VALUES ($1, 'host', 1, '1', '{}', '[]', now(), now() - $3::interval,
       json_build_object('tasks', json_build_array(), 'rows', $2::int, 'rowsFailed', 0, 'rowsPerSecond', 0))
     ON CONFLICT (id) DO UPDATE SET stats = excluded.stats, last_seen_at = excluded.last_seen_at`,
    [id, rows, lastSeen],
  );

test("an empty installation has a gap for each minute, and current numbers", async () => {
  const { status, body } = await operator.get<StatisticsView>(PATH);
  expect(status).toBe(200);
  expect(body).toMatchObject({
    range: "1h",
    bucket_seconds: 60,
    now: { workers: { alive: 0, busy: 0, jobs: 0 }, per_second: null },
    database: { bytes: null, grown_bytes: null },
  });
  expect(body.now.queues.map(({ name }) => name)).toContain("bulk_processing");
  expect(body.buckets).toHaveLength(61);
  expect(new Set(body.buckets.map(({ minutes, rows }) => `${minutes} ${rows}`))).toEqual(new Set(["0 null"]));
  for (const [n, { to }] of body.buckets.slice(0, -1).entries()) expect(body.buckets[n + 1]?.from).toBe(to);
  expect((await read("24h")).buckets).toHaveLength(145);
  expect((await read("7d")).buckets).toHaveLength(169);
});

test("only operators and admins get statistics, of a known range", async () => {
  expect((await user.get(PATH)).status).toBe(403);
  expect((await operator.get(`${PATH}?range=1y`)).status).toBe(400);
});

describe("recorded minutes", () => {
  test("two workers record the same minute once, and each row of each worker counts once", async () => {
    const [worker, other] = ["01a20159-f320-7af5-a6be-000000000001", "01a20159-f320-7af5-a6be-000000000002"];
    await report(worker, 100);
    await report(other, 20, "1 hour");
    const first = at(30);
    const results = await Promise.all([1, 2, 3].map(() => recordMinute(first)));
    expect(results.filter(Boolean)).toHaveLength(1);
    expect(await recordMinute(first)).toBe(false);
    await report(worker, 150);
    await Promise.all([recordMinute(at(29)), recordMinute(at(28))]);
    const view = await read();
    expect(totals(view)).toEqual({ succeeded: 170, failed: 0, completed: 0 });
    expect(recorded(view)).toMatchObject([
      { rows: { succeeded: 120 }, workers: { alive: 1, busy: 0 } },
      { minutes: 1 },
      { minutes: 1 },
    ]);
  });

  test("minutes without a worker are a gap, also within a bucket of ten minutes", async () => {
    await recordMinute(at(10));
    const { buckets } = await read();
    const states = buckets.slice(-33).map(({ minutes }) => minutes);
    expect(states.filter((minutes) => minutes === 1)).toHaveLength(4);
    expect(states).toContain(0);
    const { buckets: wide } = await read("24h");
    expect(wide.reduce((sum, { minutes }) => sum + minutes, 0)).toBe(4);
  });

  test("a bucket shows the highest numbers of each queue, and the size of the database its growth", async () => {
    const { pool } = rowmill.ctx;
    await newTask(rowmill.ctx, user.userId);
    await recordMinute(at(5));
    await pool.query(
      "UPDATE rowmill.statistics SET database_bytes = 1000 WHERE minute = (SELECT min(minute) FROM rowmill.statistics)",
    );
    const { database, buckets } = await read("7d");
    const queues = buckets.findLast(({ minutes }) => minutes > 0)?.queues;
    expect(queues?.find(({ name }) => name === "default")).toMatchObject({
      waiting: 1,
      oldest_waiting_seconds: expect.any(Number),
    });
    expect(database.bytes).toBeGreaterThan(1_000_000);
    expect(database.grown_bytes).toBe((database.bytes ?? 0) - 1000);
  });

  test("minutes of more than eight days ago are removed", async () => {
    await recordMinute(at(8 * 1440 + 2));
    const count = async () => (await rowmill.ctx.pool.query("SELECT FROM rowmill.statistics")).rows.length;
    const before = await count();
    expect(await removeOldMinutes(rowmill.ctx)).toBe(1);
    expect(await count()).toBe(before - 1);
  });

  test("the rates of the latest minute are current for three minutes", async () => {
    await report("01a20159-f320-7af5-a6be-000000000001", 750);
    await recordMinute(at(1));
    const { now } = await read();
    expect(now.per_second?.rows).toEqual({ succeeded: 10, failed: 0 });
  });
});

test("a worker that ends leaves what it has done in the latest minute", async () => {
  const { ctx } = rowmill;
  await ctx.pool.query("DELETE FROM rowmill.statistics");
  await ctx.pool.query("DELETE FROM rowmill.workers");
  const worker = await rowmill.startWorker();
  const registered = await registerWorker(worker, () => {});
  await recordMinute(ctx);
  await endedTask(ctx, await newTask(ctx, user.userId));
  const { body: batch } = await user.upload(csv(30, 2));
  await user.finished(batch.id);
  await until("no job runs", async () => worker.queue.running.list().length === 0);
  const { rows } = await ctx.pool.query("SELECT stats->'tasks' AS tasks FROM rowmill.workers");
  expect(rows).toHaveLength(1);
  await registered[Symbol.asyncDispose]();
  // The task of an earlier test has run as well.
  expect(totals(await read())).toEqual({ succeeded: 30, failed: 2, completed: 2 });
  await inTransaction(ctx, countWork);
  expect(totals(await read())).toEqual({ succeeded: 30, failed: 2, completed: 2 });
});

test.each(["absent", "stale"] as const)(
  "the tasks of a bar are found by index with %s statistics",
  async (known) => {
    const { pool } = rowmill.ctx;
    await pool.query("ALTER TABLE rowmill.tasks SET (autovacuum_enabled = off)");
    if (known === "stale") await pool.query("ANALYZE rowmill.tasks");
    await pool.query(
      `INSERT INTO rowmill.tasks (id, user_id, type, queue, status, params, max_retries, job_id, metadata, created_at, completed_at)
     SELECT gen_random_uuid(), $1, 'generic', 'default', 'completed', '{}', 3, gen_random_uuid(), '{}',
       now() - make_interval(secs => n), now() - make_interval(secs => n) FROM generate_series(20000, 1, -1) AS n`,
      [user.userId],
    );
    await using plans = await explaining(rowmill.ctx);
    const [from, to] = [new Date(Date.now() - 100_000), new Date(Date.now() - 40_000)];
    const page = { before: 0, limit: 100 };
    for (const status of ["failed", "completed"] as const) {
      const filter = { statuses: [status], endedFrom: from, endedBefore: to };
      const { items } = await listTasks(plans, null, filter, page);
      expect(items.length > 50).toBe(status === "completed");
    }
    expect(plans.scans("tasks")).toEqual([
      "tasks_ended (cancelled_at)",
      "tasks_pkey (id)",
      // The newest task with one of the statuses, and few tasks with them.
      "tasks_status (status)",
      "tasks_status (status, created_at)",
    ]);
    const created = await listTasks(plans, null, { from, before: to }, page);
    expect(created.items.length).toBeGreaterThan(50);
    // With a condition, `tasks_number` finds the numbers of that time.
    expect(plans.scans("tasks").join()).not.toMatch(/whole table|tasks_number(?! \(number\))/);
  },
);

test("a week of minutes is read through the primary key, in an answer of less than 200 kB", async () => {
  const { pool } = rowmill.ctx;
  await pool.query("DELETE FROM rowmill.statistics");
  await pool.query(
    `WITH minutes AS (
      INSERT INTO rowmill.statistics
      SELECT date_trunc('minute', now()) - make_interval(mins => n), 1e9, 1e9, 1e9, 1e9, 1e9, 1000, 1000, 1e12
      FROM generate_series(0, 8 * 1440) AS n RETURNING minute
    )
    INSERT INTO rowmill.queue_statistics SELECT minute, queue, 1000000, 1000000, 1000, 100000
    FROM minutes, unnest($1::text[]) AS queue`,
    [QUEUES],
  );
  await using plans = await explaining(rowmill.ctx);
  const [from, to] = [new Date(Date.now() - 60 * MINUTE), new Date()];
  expect(await readBuckets(plans, from, to, MINUTE)).toHaveLength(60);
  expect(plans.scans("statistics")).toEqual(["statistics_pkey (minute)"]);
  expect(plans.scans("queue_statistics")).toEqual(["queue_statistics_minute_queue_pk (minute)"]);
  for (const range of ["1h", "24h", "7d"]) {
    expect(JSON.stringify(await read(range)).length).toBeLessThan(200_000);
  }
});

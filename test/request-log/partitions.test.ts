import { describe, expect, test, vi } from "vitest";
import type { Context } from "../../src/context.ts";
import { handlers } from "../../src/handlers.ts";
import { firstLoggedDay, removeOldEntries } from "../../src/request-log/remove-old-entries.ts";
import { writeEntries } from "../../src/request-log/write-entries.ts";
import { prepareLogDays } from "../support/day-partitions.ts";
import { entryAt, logEntries } from "../support/logged-requests.ts";
import { asRole, readsAndWrites, readsWritesAndCalls } from "../support/roles.ts";
import { startRowmill } from "../support/rowmill.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const DAY_MS = 86_400_000;

/** The signal of a clean-up that nobody stops. */
const running = new AbortController().signal;

/** The context at another time. */
const at = (ctx: Context, time: string): Context => ({ ...ctx, now: () => new Date(time) });

/** The number of entries of each partition that has any. */
async function filled({ pool }: Pick<Context, "pool">): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ partition: string; entries: number }>(
    `SELECT tableoid::regclass::text AS partition, count(*)::int AS entries FROM rowmill.request_log
    GROUP BY 1 ORDER BY 1`,
  );
  return Object.fromEntries(rows.map(({ partition, entries }) => [partition, entries]));
}

/** The days that have a partition, in order. */
async function days({ pool }: Pick<Context, "pool">): Promise<string[]> {
  const { rows } = await pool.query<{ day: string }>(
    `SELECT substring(relname FROM '[0-9]{8}$') AS day FROM pg_class
    WHERE relispartition AND relkind = 'r' AND relname ~ '^request_log_[0-9]{8}$' ORDER BY 1`,
  );
  return rows.map(({ day }) => day);
}

test("a migrated database has a partition for today and for each of the next seven days", async () => {
  await using rowmill = await startRowmill({ REQUEST_LOG: "off" });
  const { ctx } = rowmill;
  expect(await days(ctx)).toHaveLength(8);
  expect(await prepareLogDays(ctx)).toBe(0);
  const tomorrow = new Date(Date.now() + DAY_MS).toISOString();
  expect(await Promise.all([1, 2, 3].map(() => prepareLogDays(at(ctx, tomorrow))))).toContain(1);
  expect(await days(ctx)).toHaveLength(9);
});

test("a day begins at midnight in UTC, whatever the database shows", async () => {
  await using rowmill = await startRowmill({ REQUEST_LOG: "off" });
  const client = await rowmill.ctx.pool.connect();
  try {
    await client.query("SET timezone = 'Asia/Kolkata'; SET datestyle = 'German'");
    await client.query("SELECT rowmill.create_day_partition('request_log', '2031-03-09'::date)");
    await client.query("SET timezone = 'UTC'; SET datestyle = 'ISO'");
    const { rows } = await client.query(
      "SELECT pg_get_expr(relpartbound, oid) AS bound FROM pg_class WHERE relname = 'request_log_20310309'",
    );
    expect(rows).toEqual([
      { bound: "FOR VALUES FROM ('2031-03-09 00:00:00+00') TO ('2031-03-10 00:00:00+00')" },
    ]);
  } finally {
    client.release(true);
  }
});

test("at midnight, entries move on to the partition of the new day, and none is lost without one", async () => {
  await using rowmill = await startRowmill({ REQUEST_LOG: "off" });
  const before = at(rowmill.ctx, "2031-03-09T23:59:59.999Z");
  await prepareLogDays(before);
  const entries = [
    "2031-03-08T12:00:00Z",
    "2031-03-09T23:59:59.999Z",
    "2031-03-10T00:00:00Z",
    "2031-03-17T00:00:00Z",
  ];
  await writeEntries(
    before,
    entries.map((time) => entryAt(new Date(time))),
    0,
  );
  expect(await filled(rowmill.ctx)).toEqual({
    "rowmill.request_log_20310309": 1,
    "rowmill.request_log_20310310": 1,
    "rowmill.request_log_default": 2,
  });
  // A day whose entries are in the default partition stays there; the days after it get their partitions.
  await prepareLogDays(at(rowmill.ctx, "2031-03-17T09:00:00Z"));
  const found = await days(rowmill.ctx);
  expect(found).not.toContain("20310317");
  expect(found).toContain("20310318");
});

test("the clean-up drops the partitions of expired days, deletes expired entries elsewhere, and keeps the rest", async () => {
  await using rowmill = await startRowmill({ REQUEST_LOG: "off", REQUEST_LOG_DAYS: "10" });
  const { ctx } = rowmill;
  await prepareLogDays(at(ctx, "2031-03-01T00:00:00Z"));
  await logEntries(
    ctx,
    [
      "2031-02-20T08:00:00Z",
      "2031-02-20T09:30:00Z",
      "2031-03-01T08:00:00Z",
      "2031-03-02T08:00:00Z",
      "2031-03-03T00:00:00Z",
    ].map((time) => entryAt(new Date(time))),
  );
  await ctx.pool.query(
    "INSERT INTO rowmill.request_log_gaps (at, requests) VALUES ('2031-03-02', 1), ('2031-03-04', 2)",
  );
  const later = at(ctx, "2031-03-13T17:00:00Z");
  expect(firstLoggedDay(later)).toEqual(new Date("2031-03-03T00:00:00Z"));
  // The partitions of today, when the test runs, have expired as well.
  expect(await removeOldEntries(later, running)).toEqual({ days: 8 + 2, daysInUse: 0, entries: 2 });
  expect(await filled(ctx)).toEqual({ "rowmill.request_log_20310303": 1 });
  expect((await days(ctx)).at(-1)).toBe("20310320");
  const { rows } = await ctx.pool.query("SELECT requests FROM rowmill.request_log_gaps");
  expect(rows).toEqual([{ requests: 2 }]);
  expect(await removeOldEntries(later, running)).toEqual({ days: 0, daysInUse: 0, entries: 0 });
});

describe("a partition that a dump or a long transaction reads", () => {
  const rowmill = useRowmill({ settings: { REQUEST_LOG: "off", REQUEST_LOG_DAYS: "10" } });
  test("a partition that a dump or a long transaction reads is dropped later as a whole, while the days around it are removed, and causes a warning on the second day", async () => {
    const { ctx } = rowmill;
    await prepareLogDays(at(ctx, "2011-03-01T00:00:00Z"));
    const times = [
      "2011-02-27T08:00:00Z",
      "2011-03-01T08:00:00Z",
      "2011-03-02T08:00:00Z",
      "2011-03-03T08:00:00Z",
    ];
    await logEntries(
      ctx,
      times.map((time) => entryAt(new Date(time))),
    );
    const warn = vi.spyOn(ctx.log, "warn");
    const reader = await ctx.pool.connect();
    await reader.query("BEGIN; LOCK TABLE rowmill.request_log_20110302 IN ACCESS SHARE MODE");
    const removed = await removeOldEntries(at(ctx, "2011-03-13T00:00:00Z"), running);
    expect(removed).toEqual({ days: 1, daysInUse: 1, entries: 1 });
    expect(await filled(ctx)).toEqual({
      "rowmill.request_log_20110302": 1,
      "rowmill.request_log_20110303": 1,
    });
    expect(warn).not.toHaveBeenCalled();
    const next = await removeOldEntries(at(ctx, "2011-03-14T00:00:00Z"), running);
    expect(next).toEqual({ days: 1, daysInUse: 1, entries: 0 });
    expect(await filled(ctx)).toEqual({ "rowmill.request_log_20110302": 1 });
    expect(warn.mock.calls).toEqual([
      [
        { oldest: "2011-03-02", days: 1, keptDays: 10 },
        expect.stringContaining("others read their partitions"),
      ],
    ]);
    await reader.query("ROLLBACK");
    reader.release();
    const last = await removeOldEntries(at(ctx, "2011-03-14T00:00:00Z"), running);
    expect(last).toEqual({ days: 1, daysInUse: 0, entries: 0 });
    expect(await filled(ctx)).toEqual({});
  });

  test("a partition that a dump or a long transaction reads does not hold up the end of a worker", async () => {
    const { ctx } = rowmill;
    await prepareLogDays(at(ctx, "2012-03-01T00:00:00Z"));
    const before = await days(ctx);
    const stopped = AbortSignal.abort(new Error("The worker stops."));
    const delivery = { delivery: { signal: stopped } } as Parameters<typeof handlers.clean>[1];
    await expect(handlers.clean(at(ctx, "2012-06-01T00:00:00Z"), delivery)).rejects.toThrow(
      "The worker stops.",
    );
    expect(await days(ctx)).toEqual(expect.arrayContaining(before));
  });
});

test("a role that may call the functions creates and drops partitions, and no other table", async () => {
  await using rowmill = await startRowmill({ REQUEST_LOG: "off" });
  await using role = await asRole(rowmill, readsWritesAndCalls);
  expect(await prepareLogDays(at(role, "2031-03-01T00:00:00Z"))).toBe(8);
  await logEntries(rowmill.ctx, [entryAt(new Date("2031-03-01T08:00:00Z"))]);
  expect(await removeOldEntries(at(role, "2031-06-01T00:00:00Z"), running)).toEqual({
    // Those of the days around today as well.
    days: 8 + 8,
    daysInUse: 0,
    entries: 0,
  });
  expect(await filled(rowmill.ctx)).toEqual({});
  const foreign = role.pool.query("SELECT rowmill.drop_day_partition('users', '2031-03-01')");
  await expect(foreign).rejects.toThrow("the table rowmill.users has no partitions");
});

test("for a role that only reads and writes rows, entries go to the default partition and are deleted from it", async () => {
  await using rowmill = await startRowmill({ REQUEST_LOG: "off" });
  await using role = await asRole(rowmill, readsAndWrites);
  const then = at(role, "2031-03-01T10:00:00Z");
  expect(await prepareLogDays(then)).toBe(0);
  await writeEntries(then, [entryAt(then.now()), entryAt(new Date())], 3);
  const today = (await days(rowmill.ctx))[0];
  expect(await filled(rowmill.ctx)).toEqual({
    [`rowmill.request_log_${today}`]: 1,
    "rowmill.request_log_default": 1,
  });
  expect(await removeOldEntries(at(role, "2031-04-01T10:00:00Z"), running)).toEqual({
    days: 0,
    daysInUse: 0,
    entries: 2,
  });
  expect(await filled(rowmill.ctx)).toEqual({});
});

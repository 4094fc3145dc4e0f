import { describe, expect, test } from "vitest";
import {
  countFailures,
  filterOf,
  queueSeries,
  rowSeries,
  type Statistics,
  sumQueues,
  trendOf,
} from "../../../src/console/pages/admin/overview/overview-data.ts";

const queue = (name: "default" | "notifications", waiting: number, oldest: number | null = null) => ({
  name,
  waiting,
  scheduled: 0,
  retrying: 0,
  active: 1,
  is_estimate: false,
  oldest_waiting_seconds: oldest,
  is_paused: name === "notifications",
  paused_at: null,
  paused_by: null,
  paused_by_username: null,
  pause_reason: null,
  workers: 1,
});

const GAP = { minutes: 0, rows: null, tasks: null, workers: null, database_bytes: null, queues: [] };
const minute = (at: number) => ({
  from: new Date(at * 60_000).toISOString(),
  to: new Date((at + 1) * 60_000).toISOString(),
});
const buckets: Statistics["buckets"] = [
  {
    ...minute(0),
    minutes: 1,
    rows: { succeeded: 90, failed: 2 },
    tasks: { completed: 5, failed: 1, retried: 0 },
    workers: { alive: 2, busy: 1 },
    database_bytes: 1000,
    queues: [{ name: "default", waiting: 40, scheduled: 0, active: 1, oldest_waiting_seconds: 3 }],
  },
  { ...minute(1), ...GAP },
];

describe("the overview", () => {
  test("a time without a worker is a gap, and a queue without a number is empty", () => {
    expect(rowSeries(buckets).map(({ values }) => values)).toEqual([
      [90, null],
      [2, null],
    ]);
    const waiting = queueSeries(buckets, "waiting");
    expect(waiting.find(({ name }) => name === "Default")?.values).toEqual([40, null]);
    expect(waiting.find(({ name }) => name === "Files")?.values).toEqual([0, null]);
  });

  test("the oldest job of all queues is found, and paused queues are named", () => {
    const found = sumQueues([queue("default", 3, 10), queue("notifications", 4, 60)]);
    expect(found.oldest?.name).toBe("notifications");
    expect(found).toMatchObject({ waiting: 7, active: 2, paused: ["Notifications"] });
    expect(sumQueues([queue("default", 0)]).oldest?.oldest_waiting_seconds ?? null).toBeNull();
  });

  test("failures of the range are added up", () => {
    expect(countFailures(buckets)).toEqual({ rows: 2, tasks: 1 });
  });

  test("the trend compares with five minutes ago, if that was recorded", () => {
    const at = (minutes: number) => ({
      at: new Date(minutes * 60_000 + 30_000).toISOString(),
      queues: [queue("default", 25)],
      workers: { alive: 1, busy: 0, jobs: 0 },
      per_second: null,
    });
    expect(trendOf({ buckets, now: at(5) }, "default")).toBe(-15);
    expect(trendOf({ buckets, now: at(6) }, "default")).toBeNull();
    expect(trendOf({ buckets, now: at(60) }, "default")).toBeNull();
  });

  test("the end of a range is not part of the next one", () => {
    expect(filterOf({ from: new Date(0), to: new Date(60_000) })).toEqual({
      from: "1970-01-01T00:00:00.000Z",
      to: "1970-01-01T00:00:59.999Z",
    });
  });
});

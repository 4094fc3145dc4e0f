import { expect, test } from "vitest";
import { Activity } from "../../src/activity.ts";
import { StatsOfWorker } from "../../src/queues/workers/worker-stats.ts";

test("statistics count outcomes and take the mean and the 95th percentile per type", () => {
  const activity = new Activity();
  const stats = new StatsOfWorker(activity);
  for (let seconds = 1; seconds <= 100; seconds++) {
    activity.emit("attemptEnded", { type: "image", outcome: "completed", seconds });
  }
  activity.emit("attemptEnded", { type: "image", outcome: "stopped", seconds: 1e6 });
  activity.emit("attemptEnded", { type: "generic", outcome: "retried", seconds: 2 });
  expect(stats.report().tasks).toEqual([
    { type: "generic", completed: 0, failed: 0, retried: 1, meanSeconds: 2, p95Seconds: 2 },
    { type: "image", completed: 100, failed: 0, retried: 0, meanSeconds: 50.5, p95Seconds: 95 },
  ]);
});

test("the percentile forgets all but the latest 500 attempts", () => {
  const activity = new Activity();
  const stats = new StatsOfWorker(activity);
  const run = (times: number, seconds: number) => {
    for (let n = 0; n < times; n++)
      activity.emit("attemptEnded", { type: "image", outcome: "failed", seconds });
  };
  run(1000, 100);
  run(500, 1);
  expect(stats.report().tasks).toMatchObject([{ failed: 1500, meanSeconds: 67, p95Seconds: 1 }]);
});

test("the rate of rows is that of the last minute", () => {
  const activity = new Activity();
  const start = 1000;
  const stats = new StatsOfWorker(activity, start);
  activity.emit("rowsProcessed", { succeeded: 5990, failed: 10 });
  expect(stats.report(start + 30_000)).toMatchObject({ rows: 6000, rowsPerSecond: 200 });
  for (const second of [60, 90, 120]) stats.report(start + second * 1000);
  activity.emit("rowsProcessed", { succeeded: 600, failed: 0 });
  expect(stats.report(start + 150_000)).toMatchObject({ rows: 6600, rowsFailed: 10, rowsPerSecond: 10 });
});

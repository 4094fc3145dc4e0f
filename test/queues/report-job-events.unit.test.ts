import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { OpenContext } from "../../src/open-context.ts";
import { Later } from "../../src/platform/queue/later.ts";
import { RunningJobs } from "../../src/platform/queue/running-jobs.ts";
import { JobEventReporter } from "../../src/queues/workers/report-job-events.ts";
import type { JobEvents } from "../../src/schema/workers.ts";

const KIND = { name: "task.default", queue: "default" };

let written: JobEvents[];
let running: RunningJobs;
let reporter: JobEventReporter;

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  written = [];
  running = new RunningJobs();
  const set = ({ jobEvents }: { jobEvents: JobEvents }) => ({ where: async () => written.push(jobEvents) });
  const ctx = { now: () => new Date(), queue: { running }, db: { update: () => ({ set }) } };
  reporter = new JobEventReporter(ctx as unknown as OpenContext, "worker");
});

afterEach(() => {
  reporter[Symbol.dispose]();
  vi.useRealTimers();
});

function run(work: () => Promise<unknown>, { isStopped = false, group = "7" } = {}): Promise<unknown> {
  const job = { id: "job", group, payload: { taskId: "task" }, isStopped: () => isStopped };
  return running.during(KIND, job, work).catch(() => {});
}

async function fail(): Promise<never> {
  throw new Error("no");
}

test("nothing is written while nobody watches, and after the last watcher has left", async () => {
  await run(async () => {});
  reporter.reportUntil(new Date(2000));
  await run(async () => {});
  await vi.advanceTimersByTimeAsync(5000);
  expect(written).toHaveLength(1);
  await run(async () => {});
  await vi.advanceTimersByTimeAsync(5000);
  expect(written).toHaveLength(1);
  expect(vi.getTimerCount()).toBe(0);
});

test("each end of a job has its name, and the owner if the job belongs to a user", async () => {
  reporter.reportUntil(new Date(2000));
  await run(async () => {});
  await run(async () => new Later(5, {}), { group: "a built-in schedule" });
  await run(fail);
  await run(fail, { isStopped: true });
  await vi.advanceTimersByTimeAsync(600);
  const events = written[0]?.events ?? [];
  const named = (event: string) => events.filter((one) => one.event === event);
  expect(named("started")).toHaveLength(4);
  expect(events.map(({ event }) => event).filter((event) => event !== "started")).toEqual([
    "completed",
    "put_back",
    "failed",
    "put_back",
  ]);
  expect(named("completed")).toMatchObject([
    { job: "task.default", id: "job", userId: 7, taskId: "task", batchId: null },
  ]);
  expect(named("put_back").map(({ userId }) => userId)).toEqual([null, 7]);
});

test("the row holds the latest 100 events, and their numbers show how many it has lost", async () => {
  reporter.reportUntil(new Date(2000));
  for (let jobs = 0; jobs < 120; jobs++) await run(async () => {});
  await vi.advanceTimersByTimeAsync(600);
  expect(written[0]?.last).toBe(240);
  expect(written[0]?.events).toHaveLength(100);
});

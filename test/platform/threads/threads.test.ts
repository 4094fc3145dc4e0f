import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import {
  MAX_THREADS,
  runThread,
  ThreadEnded,
  type ThreadLimits,
  type ThreadOptions,
  ThrownInThread,
} from "../../../src/platform/threads/run-thread.ts";
import { Stopwatch } from "../../support/stopwatch.ts";
import type { ScriptHost } from "../../support/thread-script.ts";

const LIMITS: ThreadLimits = { heapMb: 64, bytesMb: 100, seconds: 20, silentSeconds: 20 };

const host: ScriptHost = {
  double: async (value) => 2 * value,
  bytes: async (length) => new Uint8Array(length),
  take: async (bytes) => bytes.length,
};

function run(what: string, options: Partial<ThreadOptions> = {}): Promise<unknown> {
  return runThread({
    script: new URL("../../support/thread-script.ts", import.meta.url),
    data: what,
    host,
    signal: new AbortController().signal,
    limits: LIMITS,
    ...options,
  });
}

const failureOf = (running: Promise<unknown>) =>
  running.then(
    (value) => value,
    (error: unknown) => error,
  );

test("a thread gets its data, asks its host and returns", async () => {
  expect(await run("hello")).toBe("hello");
  expect(await run("ask")).toEqual([42, 1000, 500]);
});

test("a thread does not see the environment of the process", async () => {
  expect(await run("environment")).toEqual([]);
});

test("progress from a loop is reported ten times per second, and the last step always", async () => {
  const told: number[] = [];
  const startedAt = performance.now();
  await run("progress", { onProgress: (percent) => told.push(percent) });
  const seconds = (performance.now() - startedAt) / 1000;
  expect(told.at(-1)).toBe(100);
  expect(told.length).toBeLessThanOrEqual(2 + 10 * seconds);
});

test("an error thrown by the script keeps its name, code and message", async () => {
  const error = await failureOf(run("throw"));
  expect(error).toBeInstanceOf(ThrownInThread);
  expect(error).toMatchObject({ thrown: "Refused", code: "refused", message: "this is no good" });
});

test("an error of the host is thrown unchanged", async () => {
  const gone = new Error("the database is gone");
  expect(await failureOf(run("ask", { host: { ...host, bytes: () => Promise.reject(gone) } }))).toBe(gone);
});

test.each([
  ["exit", "the thread ended with code 3 and without a result"],
  ["crash", "the thread crashed: nobody catches this"],
])("a thread that ends early (%s) reports how", async (what, message) => {
  expect(await failureOf(run(what))).toMatchObject({ name: "ThreadEnded", why: "crashed", message });
});

describe("a thread that would never end", () => {
  test("an endless thread ends within a second of its abort signal", async () => {
    const controller = new AbortController();
    const reason = new Error("cancelled");
    using watch = new Stopwatch();
    let abortedAtMs = 0;
    const onProgress = () => {
      abortedAtMs = watch.ms;
      controller.abort(reason);
    };
    expect(await failureOf(run("loop", { signal: controller.signal, onProgress }))).toBe(reason);
    expect(watch.ms - abortedAtMs).toBeLessThan(5000);
  });

  test("an endless thread ends after its time limit, and the process stays responsive", async () => {
    const before = performance.eventLoopUtilization();
    const error = await failureOf(run("loop", { limits: { ...LIMITS, seconds: 1 } }));
    expect(error).toMatchObject({ why: "out_of_time", message: "it took longer than 1 s" });
    expect(performance.eventLoopUtilization(before).utilization).toBeLessThan(0.5);
  });

  test("a silent thread is ended unless it waits for an answer", async () => {
    const limits = { ...LIMITS, silentSeconds: 5 };
    const slow = { ...host, double: (value: number) => sleep(7000, 2 * value) };
    const [error, answers] = await Promise.all([
      failureOf(run("loop", { limits })),
      run("ask", { host: slow, limits }),
    ]);
    expect(error).toMatchObject({ why: "out_of_time", message: "it made no progress for 5 s" });
    expect(answers).toEqual([42, 1000, 500]);
  });

  test.each(["objects", "bytes"])("a thread that takes too much memory ends (%s)", async (what) => {
    const before = process.memoryUsage.rss();
    const error = await failureOf(run(what));
    expect(error).toBeInstanceOf(ThreadEnded);
    expect(error).toMatchObject({ why: "out_of_memory" });
    expect(process.memoryUsage.rss() - before).toBeLessThan(400e6);
  });
});

test("the number of threads is limited, and a waiting one can be aborted", async () => {
  const first = new AbortController();
  const waiting = new AbortController();
  const started: unknown[] = [];
  const onProgress = () => started.push(1);
  const loops = Array.from({ length: MAX_THREADS }, () =>
    failureOf(run("loop", { signal: first.signal, onProgress })),
  );
  const third = failureOf(run("loop", { signal: waiting.signal, onProgress }));
  waiting.abort(new Error("not wanted any more"));
  expect(await third).toMatchObject({ message: "not wanted any more" });
  const next = run("hello");
  first.abort(new Error("enough"));
  expect(await Promise.all(loops)).toHaveLength(MAX_THREADS);
  expect(await next).toBe("hello");
  expect(started.length).toBeLessThanOrEqual(MAX_THREADS);
});

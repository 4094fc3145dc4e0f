import { expect, test } from "vitest";
import { newMoments } from "../../src/events/batch-events.ts";

const at = (second: number) => Date.UTC(2026, 10, 26, 8, 0, second);
const text = (second: number) => new Date(at(second)).toISOString();
const none = { queuedAt: null, startedAt: null, finishedAt: null };
const statesOf = (...args: Parameters<typeof newMoments>) =>
  newMoments(...args).map(({ state, at }) => [state, new Date(at).getUTCSeconds()]);
const watching = { since: at(1), now: at(50) };

test("a new batch shows all states that it has passed through", () => {
  const batch = { createdAt: text(2), queuedAt: text(3), startedAt: text(4), finishedAt: text(5) };
  expect(statesOf({ ...batch, state: "completed" }, undefined, watching)).toEqual([
    ["receiving", 2],
    ["queued", 3],
    ["processing", 4],
    ["completed", 5],
  ]);
});

test("a known batch shows the states since the last read, and nothing while its state stays", () => {
  const batch = { ...none, createdAt: text(2), queuedAt: text(3), startedAt: text(4) };
  const known = { state: "queued", at: at(3) } as const;
  expect(statesOf({ ...batch, state: "processing" }, known, watching)).toEqual([["processing", 4]]);
  expect(statesOf({ ...batch, state: "queued" }, known, watching)).toEqual([]);
});

test("a state without a recorded time has the time of the read", () => {
  const batch = { ...none, createdAt: text(2), queuedAt: text(3), startedAt: text(4) };
  const processing = { state: "processing", at: at(4) } as const;
  expect(statesOf({ ...batch, state: "paused" }, processing, watching)).toEqual([["paused", 50]]);
  const paused = { state: "paused", at: at(20) } as const;
  expect(statesOf({ ...batch, state: "queued" }, paused, watching)).toEqual([["queued", 50]]);
});

test("a batch from before the feed shows its new state only", () => {
  const batch = { createdAt: text(0), queuedAt: text(0), startedAt: text(0), finishedAt: text(5) };
  expect(statesOf({ ...batch, state: "failed" }, undefined, watching)).toEqual([["failed", 5]]);
});

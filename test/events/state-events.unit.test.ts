import { expect, test } from "vitest";
import { batchStates } from "../../src/events/batch-states.ts";
import { newMoments, type StateMoment } from "../../src/events/state-events.ts";

const at = (second: number) => Date.UTC(2026, 10, 26, 8, 0, second);
const text = (second: number) => new Date(at(second)).toISOString();
const none = { queuedAt: null, startedAt: null, finishedAt: null };
const watching = { since: at(1), now: at(50) };

type Batch = Parameters<typeof batchStates.recorded>[0];

function statesOf(
  times: Pick<Batch, "state" | "createdAt" | "queuedAt" | "startedAt" | "finishedAt">,
  known?: StateMoment,
) {
  const batch = { id: "", type: "books", userId: "1", totalRows: 1, run: 1, ...times };
  const moments = newMoments(batch.state, batchStates.recorded(batch), known, watching);
  return moments.map(({ state, at }) => [state, new Date(at).getUTCSeconds()]);
}

test("a new batch shows all states that it has passed through", () => {
  const batch = { createdAt: text(2), queuedAt: text(3), startedAt: text(4), finishedAt: text(5) };
  expect(statesOf({ ...batch, state: "completed" })).toEqual([
    ["receiving", 2],
    ["queued", 3],
    ["processing", 4],
    ["completed", 5],
  ]);
});

test("a known batch shows the states since the last read, and nothing while its state stays", () => {
  const batch = { ...none, createdAt: text(2), queuedAt: text(3), startedAt: text(4) };
  const known = { state: "queued", at: at(3) };
  expect(statesOf({ ...batch, state: "processing" }, known)).toEqual([["processing", 4]]);
  expect(statesOf({ ...batch, state: "queued" }, known)).toEqual([]);
});

test("a state without a recorded time has the time of the read", () => {
  const batch = { ...none, createdAt: text(2), queuedAt: text(3), startedAt: text(4) };
  const processing = { state: "processing", at: at(4) };
  expect(statesOf({ ...batch, state: "paused" }, processing)).toEqual([["paused", 50]]);
  const paused = { state: "paused", at: at(20) };
  expect(statesOf({ ...batch, state: "queued" }, paused)).toEqual([["queued", 50]]);
});

test("a batch from before the feed shows its new state only", () => {
  const batch = { createdAt: text(0), queuedAt: text(0), startedAt: text(0), finishedAt: text(5) };
  expect(statesOf({ ...batch, state: "failed" })).toEqual([["failed", 5]]);
});

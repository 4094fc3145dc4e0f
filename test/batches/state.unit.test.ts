import { describe, expect, test } from "vitest";
import {
  type Edge,
  ENDED_STATES,
  hasEnded,
  leavesUnprocessed,
  MAY_RUN_STATES,
  RUNNABLE_STATES,
  transitions,
} from "../../src/batches/state.ts";
import { type BatchState, batchState } from "../../src/schema/batches.ts";

const states = batchState.enumValues;
const edges = Object.entries(transitions).map(([name, transition]) => ({
  name: name as Edge,
  ...transition,
}));

/** The edges that lead out of a state. */
const edgesFrom = (state: BatchState) =>
  edges.filter(({ from }) => from.some((start) => start === state)).map(({ name }) => name);

test.each(edges)("the batch transition $name describes when it is taken", ({ when }) => {
  expect(when).toMatch(/^[A-Z][^.]*( [^.]+)+\.$/);
});

test.each(edges)("the batch transition $name leads from one state to another", ({ from, to }) => {
  expect(from.length).toBeGreaterThan(0);
  expect(new Set(from).size).toBe(from.length);
  expect(from).not.toContain(to);
});

test("every batch state is reachable from an upload", () => {
  const reached = new Set<BatchState>(["receiving"]);
  for (const state of reached) for (const name of edgesFrom(state)) reached.add(transitions[name].to);
  expect([...reached].sort()).toEqual([...states].sort());
});

test("a batch can end and be deleted from every state", () => {
  const ends = (state: BatchState, seen: readonly BatchState[] = []): boolean =>
    state === "deleting" ||
    edgesFrom(state).some((name) => {
      const { to } = transitions[name];
      return !seen.includes(to) && ends(to, [...seen, state]);
    });
  expect(states.filter((state) => !ends(state))).toEqual([]);
  expect(edgesFrom("deleting")).toEqual([]);
});

describe("what leads out of", () => {
  test.each<[BatchState, Edge[]]>([
    ["receiving", ["abandon", "accept"]],
    ["queued", ["start", "pause", "cancel"]],
    ["processing", ["pause", "cancel", "validate", "complete", "completeWithErrors", "fail"]],
    ["paused", ["resume", "cancel"]],
    ["validated", ["cancel", "commit", "retry", "delete"]],
    ["completed", ["undo", "delete"]],
    ["completed_with_errors", ["retry", "undo", "delete"]],
    ["failed", ["retry", "undo", "delete"]],
    ["cancelled", ["retry", "undo", "delete"]],
    ["undoing", ["finishUndo"]],
    ["undone", ["delete", "undo"]],
    ["deleting", []],
  ])("a batch that is %s can take the transitions %j", (state, expected) => {
    expect(edgesFrom(state).sort()).toEqual(expected.sort());
  });
});

test("every batch state is open, waiting, ended or a passage", () => {
  expect(RUNNABLE_STATES).toEqual(["queued", "processing"]);
  expect(MAY_RUN_STATES).toEqual(["queued", "processing", "paused"]);
  const rest = states.filter((state) => !hasEnded(state) && !MAY_RUN_STATES.some((other) => other === state));
  expect(rest.sort()).toEqual(["deleting", "receiving", "undoing"]);
});

test("a worker never changes a batch that has ended", () => {
  const byWorker: Edge[] = ["start", "validate", "complete", "completeWithErrors", "fail"];
  expect(ENDED_STATES.filter((state) => edgesFrom(state).some((name) => byWorker.includes(name)))).toEqual(
    [],
  );
});

test("rows without a result are unprocessed if their batch has ended, except in a dry run", () => {
  expect(states.filter(leavesUnprocessed).sort()).toEqual(
    ["cancelled", "completed", "completed_with_errors", "failed", "undoing", "undone"].sort(),
  );
});

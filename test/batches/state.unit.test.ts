import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import {
  type Edge,
  ENDED_STATES,
  hasEnded,
  leavesRows,
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

test.each(edges)("$name says when it is taken, in a sentence", ({ when }) => {
  expect(when).toMatch(/^[A-Z][^.]*( [^.]+)+\.$/);
});

test.each(edges)("$name leads from at least one state to another one", ({ from, to }) => {
  expect(from.length).toBeGreaterThan(0);
  expect(new Set(from).size).toBe(from.length);
  expect(from).not.toContain(to);
});

test("every state is reached from an upload", () => {
  const reached = new Set<BatchState>(["receiving"]);
  for (const state of reached) for (const name of edgesFrom(state)) reached.add(transitions[name].to);
  expect([...reached].sort()).toEqual([...states].sort());
});

test("from every state but the last a batch can be brought to its end, and deleted", () => {
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
    ["receiving", ["accept"]],
    ["queued", ["start", "pause", "cancel"]],
    ["processing", ["pause", "cancel", "validate", "complete", "completeWithErrors", "fail"]],
    ["paused", ["resume", "cancel"]],
    ["validated", ["cancel", "commit", "retry", "delete"]],
    ["completed", ["undo", "delete"]],
    ["completed_with_errors", ["retry", "undo", "delete"]],
    ["failed", ["retry", "undo", "delete"]],
    ["cancelled", ["retry", "undo", "delete"]],
    ["undoing", ["finishUndo"]],
    ["undone", ["delete"]],
    ["deleting", []],
  ])("%s: %j", (state, expected) => {
    expect(edgesFrom(state).sort()).toEqual(expected.sort());
  });
});

test("a batch runs, waits for its owner, or has ended, and nothing else but its ways in and out", () => {
  expect(RUNNABLE_STATES).toEqual(["queued", "processing"]);
  expect(MAY_RUN_STATES).toEqual(["queued", "processing", "paused"]);
  const rest = states.filter((state) => !hasEnded(state) && !MAY_RUN_STATES.some((other) => other === state));
  expect(rest.sort()).toEqual(["deleting", "receiving", "undoing"]);
});

test("a worker takes a batch no further once it has ended", () => {
  const byWorker: Edge[] = ["start", "validate", "complete", "completeWithErrors", "fail"];
  expect(ENDED_STATES.filter((state) => edgesFrom(state).some((name) => byWorker.includes(name)))).toEqual(
    [],
  );
});

test("rows without a result are left where their batch has ended, but for a dry run", () => {
  expect(states.filter(leavesRows).sort()).toEqual(
    ["cancelled", "completed", "completed_with_errors", "failed", "undoing", "undone"].sort(),
  );
});

test("the README has the same table", () => {
  const readme = readFileSync(resolve(import.meta.dirname, "../../README.md"), "utf8");
  const lines = Object.values(transitions).map(
    ({ from, to, when }) => `| ${from.map((state) => `\`${state}\``).join(", ")} | \`${to}\` | ${when} |`,
  );
  expect(lines.filter((line) => !readme.includes(line))).toEqual([]);
});

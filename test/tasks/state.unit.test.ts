import { describe, expect, test } from "vitest";
import { type TaskStatus, taskEventType, taskStatus } from "../../src/schema/tasks.ts";
import { type Edge, ENDED_STATUSES, hasEnded, transitions } from "../../src/tasks/state.ts";

const statuses = taskStatus.enumValues;
const edges = Object.entries(transitions).map(([name, transition]) => ({
  name: name as Edge,
  ...transition,
}));

/** The edges that lead out of a state. */
const edgesFrom = (status: TaskStatus) =>
  edges.filter(({ from }) => from.some((start) => start === status)).map(({ name }) => name);

test.each(edges)("the task transition $name describes when it is taken", ({ when }) => {
  expect(when).toMatch(/^[A-Z][^.]*( [^.]+)+\.$/);
});

test.each(edges)("the task transition $name has a source state and a history event", ({ from, event }) => {
  expect(from.length).toBeGreaterThan(0);
  expect(new Set(from).size).toBe(from.length);
  expect(taskEventType.enumValues).toContain(event);
});

test("only taking over a task keeps its status", () => {
  const loops = edges.filter(({ from, to }) => from.some((start) => start === to)).map(({ name }) => name);
  expect(loops).toEqual(["resume"]);
});

test("every task status is reachable from a new task", () => {
  const reached = new Set<TaskStatus>(["pending"]);
  for (const status of reached) for (const name of edgesFrom(status)) reached.add(transitions[name].to);
  expect([...reached].sort()).toEqual([...statuses].sort());
});

describe("what leads out of", () => {
  test.each<[TaskStatus, Edge[]]>([
    ["pending", ["start", "giveUp", "cancel"]],
    ["processing", ["resume", "handBack", "complete", "retryLater", "fail", "giveUp", "cancel"]],
    ["completed", ["forceRetry"]],
    ["failed", ["retry"]],
    ["cancelled", ["retry"]],
  ])("a task that is %s can take the transitions %j", (status, expected) => {
    expect(edgesFrom(status).sort()).toEqual(expected.sort());
  });
});

test("a worker never changes a task that has ended", () => {
  expect([...ENDED_STATUSES].sort()).toEqual(statuses.filter(hasEnded).sort());
  const byOwner: Edge[] = ["retry", "forceRetry"];
  expect(ENDED_STATUSES.flatMap(edgesFrom).filter((name) => !byOwner.includes(name))).toEqual([]);
});

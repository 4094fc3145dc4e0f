import { describe, expect, test } from "vitest";
import type { OnFailure, StepState, When } from "../../../src/schema/workflows.ts";
import { type GraphStep, isFinal, resolve } from "../../../src/workflows/advance/resolve.ts";
import { stepsToRetry } from "../../../src/workflows/control/steps-to-retry.ts";
import { randomOf } from "../../support/random.ts";

function step(changes: Partial<GraphStep> = {}): GraphStep {
  return { state: "waiting", onFailure: "fail", when: "success", cause: null, dependsOn: [], ...changes };
}

/** What happens to a step that depends on one final step. */
function decide(dependency: Partial<GraphStep>, when: When): "runs" | "skipped" | "skipped, with a cause" {
  const { queue, skip } = resolve([step({ ...dependency }), step({ when, dependsOn: [0] })]);
  if (queue.includes(1)) return "runs";
  expect(skip).toHaveLength(1);
  return skip[0]?.cause === null ? "skipped" : "skipped, with a cause";
}

describe("the truth table of `when` and `on_failure`", () => {
  const failed = (onFailure: OnFailure): Partial<GraphStep> => ({ state: "failed", onFailure });
  const rows: [name: string, Partial<GraphStep>, Record<When, ReturnType<typeof decide>>][] = [
    ["completed", { state: "completed" }, { success: "runs", always: "runs", failure: "skipped" }],
    ["failed, fail", failed("fail"), { success: "skipped, with a cause", always: "runs", failure: "runs" }],
    ["failed, continue", failed("continue"), { success: "runs", always: "runs", failure: "runs" }],
    ["failed, ignore", failed("ignore"), { success: "runs", always: "runs", failure: "skipped" }],
    [
      "skipped because of a failure",
      { state: "skipped", cause: 0 },
      { success: "skipped, with a cause", always: "runs", failure: "runs" },
    ],
    [
      "skipped because of `when`",
      { state: "skipped" },
      { success: "skipped", always: "runs", failure: "skipped" },
    ],
  ];
  test.each(rows)("a dependency that is %s", (_, dependency, expected) => {
    for (const [when, outcome] of Object.entries(expected))
      expect(decide(dependency, when as When), when).toBe(outcome);
  });
});

test("steps without dependencies start at once", () => {
  expect(resolve([step(), step({ when: "always" }), step({ when: "failure" })])).toEqual({
    queue: [0, 1],
    skip: [{ position: 2, cause: null }],
    outcome: null,
  });
});

test("a step waits until all its dependencies are final", () => {
  const states: StepState[] = ["waiting", "queued"];
  for (const state of states) {
    const steps = [
      step({ state: "failed" }),
      step({ state, dependsOn: [] }),
      step({ when: "failure", dependsOn: [0, 1] }),
    ];
    expect(resolve(steps).queue, state).not.toContain(2);
    expect(resolve(steps).skip, state).toEqual([]);
  }
});

test("a failure skips all that depends on it, with its cause", () => {
  const steps = [
    step({ state: "failed" }),
    step({ dependsOn: [0] }),
    step({ dependsOn: [1] }),
    step({ dependsOn: [2] }),
  ];
  expect(resolve(steps)).toEqual({
    queue: [],
    skip: [1, 2, 3].map((position) => ({ position, cause: 0 })),
    outcome: "failed",
  });
});

test("a workflow without steps has completed", () => {
  expect(resolve([]).outcome).toBe("completed");
});

test.each<[OnFailure, string]>([
  ["fail", "failed"],
  ["continue", "failed"],
  ["ignore", "completed"],
])("with a step that fails with on_failure %s, the workflow has %s", (onFailure, outcome) => {
  expect(resolve([step({ state: "failed", onFailure }), step({ state: "completed" })]).outcome).toBe(outcome);
});

test("in 300 random graphs, every step ends, once, after its dependencies", () => {
  for (let seed = 0; seed < 300; seed++) {
    const random = randomOf(seed);
    const steps = Array.from({ length: 1 + random.below(25) }, (_, position) =>
      step({
        onFailure: random.pick<OnFailure>(["fail", "fail", "continue", "ignore"]),
        when: random.pick<When>(["success", "success", "success", "always", "failure"]),
        dependsOn: [...Array(position).keys()].filter(() => random.below(4) === 0),
      }),
    );
    const started = new Set<number>();
    for (let turn = 0; ; turn++) {
      expect(turn).toBeLessThan(100);
      const { queue, skip, outcome } = resolve(steps);
      for (const { position, cause } of skip)
        steps[position] = { ...at(steps, position), state: "skipped", cause };
      for (const position of queue) {
        expect(started.has(position)).toBe(false);
        started.add(position);
        expect(at(steps, position).dependsOn.every((dependency) => isFinal(at(steps, dependency)))).toBe(
          true,
        );
        steps[position] = { ...at(steps, position), state: "queued" };
      }
      // Nothing is left to decide.
      expect(resolve(steps)).toEqual({ queue: [], skip: [], outcome });
      if (outcome) break;
      const running = [...steps.keys()].filter((position) => at(steps, position).state === "queued");
      expect(running.length).toBeGreaterThan(0);
      const ended = random.pick(running);
      steps[ended] = { ...at(steps, ended), state: random.below(3) === 0 ? "failed" : "completed" };
    }
    expect(steps.every(isFinal)).toBe(true);
    for (const one of steps) {
      if (one.state === "skipped" && one.cause !== null) expect(at(steps, one.cause).state).toBe("failed");
    }
  }
});

function at(steps: readonly GraphStep[], position: number): GraphStep {
  const found = steps[position];
  if (!found) throw new Error(`no step ${position}`);
  return found;
}

describe("a retry runs again", () => {
  test("what failed, what was cancelled, what was skipped for it, and no success before it", () => {
    const steps = [
      step({ state: "completed" }),
      step({ state: "failed", dependsOn: [0] }),
      step({ state: "skipped", cause: 1, dependsOn: [1] }),
      step({ state: "cancelled" }),
      step({ state: "completed", dependsOn: [0] }),
    ];
    expect(stepsToRetry(steps)).toEqual([1, 2, 3]);
  });

  test("steps that have seen the failure, such as handlers and cleanups", () => {
    const steps = [
      step({ state: "failed", onFailure: "continue" }),
      step({ state: "completed", when: "failure", dependsOn: [0] }),
      step({ state: "completed", dependsOn: [0] }),
      step({ state: "completed", when: "always", dependsOn: [2] }),
    ];
    expect(stepsToRetry(steps)).toEqual([0, 1, 2, 3]);
  });

  test("no failure that is ignored, and no step that `when` has skipped", () => {
    const steps = [
      step({ state: "failed", onFailure: "ignore" }),
      step({ state: "skipped", when: "failure", dependsOn: [0] }),
      step({ state: "failed" }),
    ];
    expect(stepsToRetry(steps)).toEqual([2]);
  });
});

/** Decides what happens next in a workflow, from the states of its steps alone. */
import {
  FINAL_STATES,
  type OnFailure,
  type StepCounts,
  type StepState,
  stepState,
  type When,
} from "../../schema/workflows.ts";

export interface GraphStep {
  readonly state: StepState;
  readonly onFailure: OnFailure;
  readonly when: When;
  /** For a skipped step: the position of the step whose failure is the reason. null: `when` did not apply. */
  readonly cause: number | null;
  /** Positions. */
  readonly dependsOn: readonly number[];
}

export interface Decisions {
  /** The positions of the steps that start now. */
  readonly queue: readonly number[];
  readonly skip: readonly { readonly position: number; readonly cause: number | null }[];
  /** How the workflow has ended; null: it goes on. */
  readonly outcome: "completed" | "failed" | null;
}

const FINAL: ReadonlySet<StepState> = new Set(FINAL_STATES);

export function isFinal({ state }: Pick<GraphStep, "state">): boolean {
  return FINAL.has(state);
}

/** Decides about waiting steps until nothing changes: a skipped step can be the reason to skip the next one. */
export function resolve(steps: readonly GraphStep[]): Decisions {
  const current = [...steps];
  const queue: number[] = [];
  const skip: { position: number; cause: number | null }[] = [];
  let changes: number;
  do {
    changes = 0;
    for (const [position, step] of current.entries()) {
      if (step.state !== "waiting") continue;
      const dependencies = step.dependsOn.map((dependency) => [dependency, current[dependency]] as const);
      if (!dependencies.every(([, dependency]) => dependency && isFinal(dependency))) continue;
      changes++;
      if (mayRun(step.when, dependencies)) {
        queue.push(position);
        current[position] = { ...step, state: "queued" };
      } else {
        const cause = step.when === "failure" ? null : causeOf(dependencies);
        skip.push({ position, cause });
        current[position] = { ...step, state: "skipped", cause };
      }
    }
  } while (changes > 0);
  return { queue, skip, outcome: current.every(isFinal) ? outcomeOf(current) : null };
}

type Dependency = readonly [position: number, step: GraphStep | undefined];

function mayRun(when: When, dependencies: readonly Dependency[]): boolean {
  switch (when) {
    case "always":
      return true;
    case "success":
      return dependencies.every(([, step]) => step && letsRun(step));
    case "failure":
      return dependencies.some(([, step]) => step && isFailure(step));
  }
}

/** Whether steps with `when: success` that depend on this step run. */
function letsRun({ state, onFailure }: GraphStep): boolean {
  return state === "completed" || (state === "failed" && onFailure !== "fail");
}

/** Whether steps with `when: failure` that depend on this step run. */
function isFailure({ state, onFailure, cause }: GraphStep): boolean {
  if (state === "failed") return onFailure !== "ignore";
  return state === "skipped" && cause !== null;
}

/** The first failure among the dependencies and before them. */
function causeOf(dependencies: readonly Dependency[]): number | null {
  for (const [position, step] of dependencies) {
    if (step?.state === "failed" && step.onFailure === "fail") return position;
    if (step?.state === "skipped" && step.cause !== null) return step.cause;
  }
  return null;
}

function outcomeOf(steps: readonly GraphStep[]): "completed" | "failed" {
  return steps.some(({ state, onFailure }) => state === "failed" && onFailure !== "ignore")
    ? "failed"
    : "completed";
}

/** Counts steps by state. */
export function countsOf(steps: readonly Pick<GraphStep, "state">[]): StepCounts {
  const counts = Object.fromEntries(stepState.enumValues.map((state) => [state, 0])) as Record<
    StepState,
    number
  >;
  for (const { state } of steps) counts[state]++;
  return counts;
}

import type { GraphStep } from "../advance/resolve.ts";

/**
 * Returns the positions of the steps that a retry runs again: those that failed or were cancelled, those that were skipped
 * because of a failure, and all that depend on them. A dependant may have completed, because of `when` or `on_failure`; then it
 * has seen the old failure. Failures that are ignored count as successes.
 */
export function stepsToRetry(steps: readonly GraphStep[]): number[] {
  const found = new Set<number>();
  for (const [position, step] of steps.entries()) if (mustRunAgain(step)) found.add(position);
  let size: number;
  do {
    size = found.size;
    for (const [position, { dependsOn }] of steps.entries())
      if (dependsOn.some((dependency) => found.has(dependency))) found.add(position);
  } while (found.size > size);
  return [...found].sort((a, b) => a - b);
}

function mustRunAgain({ state, onFailure, cause }: GraphStep): boolean {
  if (state === "failed") return onFailure !== "ignore";
  return state === "cancelled" || (state === "skipped" && cause !== null);
}

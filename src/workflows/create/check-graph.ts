/** Checks that steps and their dependencies form a graph that ends, within the limits. */
import { invalidField } from "../../errors.ts";
import { MAX_DEPTH, MAX_EDGES } from "../limits.ts";

interface Step {
  readonly field: string;
  readonly name: string;
  readonly dependsOn: readonly number[];
}

/**
 * @param field the field that has the steps, for errors that concern all of them
 * @throws DomainError `invalid_input` if a step depends on itself, directly or indirectly, or if a limit is exceeded
 */
export function checkGraph(steps: readonly Step[], field: string): void {
  const edges = steps.reduce((sum, { dependsOn }) => sum + dependsOn.length, 0);
  if (edges > MAX_EDGES)
    throw invalidField(field, `has ${edges} dependencies in all. The limit is ${MAX_EDGES}.`);
  const depths = depthsOf(steps);
  const circular = steps.find((_, position) => depths[position] === undefined);
  if (circular) {
    const names = namesOfCircle(steps, steps.indexOf(circular), depths);
    throw invalidField(
      `${circular.field}.depends_on`,
      `must not lead back to the step: ${names.join(" → ")}.`,
    );
  }
  const deepest = depths.findIndex((depth) => (depth ?? 0) > MAX_DEPTH);
  if (deepest !== -1) {
    throw invalidField(
      steps[deepest]?.field ?? field,
      `is number ${depths[deepest]} of steps that run one after the other. The limit is ${MAX_DEPTH}.`,
    );
  }
}

/**
 * Returns the number of steps on the longest way to each step, with the step itself.
 * @returns undefined for steps of a circle and all after it
 */
function depthsOf(steps: readonly Step[]): (number | undefined)[] {
  const depths: (number | undefined)[] = steps.map(() => undefined);
  const dependants = dependantsOf(steps);
  const open = steps.map(({ dependsOn }) => dependsOn.length);
  const ready = [...steps.keys()].filter((position) => open[position] === 0);
  for (const position of ready) {
    const before = (steps[position]?.dependsOn ?? []).map((dependency) => depths[dependency] ?? 0);
    depths[position] = before.reduce((deepest, depth) => Math.max(deepest, depth), 0) + 1;
    for (const next of dependants[position] ?? []) {
      open[next] = (open[next] ?? 0) - 1;
      if (open[next] === 0) ready.push(next);
    }
  }
  return depths;
}

/** Returns the positions of the steps that depend on each step. */
function dependantsOf(steps: readonly Pick<Step, "dependsOn">[]): number[][] {
  const dependants: number[][] = steps.map(() => []);
  for (const [position, { dependsOn }] of steps.entries()) {
    for (const dependency of dependsOn) dependants[dependency]?.push(position);
  }
  return dependants;
}

const MAX_NAMES = 10;

/** Follows dependencies without a depth, which leads into the circle. */
function namesOfCircle(
  steps: readonly Step[],
  start: number,
  depths: readonly (number | undefined)[],
): string[] {
  const path: number[] = [];
  for (let at: number | undefined = start; at !== undefined; ) {
    const seen = path.indexOf(at);
    path.push(at);
    if (seen !== -1) return shorten(path.slice(seen).map((position) => steps[position]?.name ?? ""));
    at = steps[at]?.dependsOn.find((dependency) => depths[dependency] === undefined);
  }
  return [];
}

function shorten(names: readonly string[]): string[] {
  return names.length <= MAX_NAMES ? [...names] : [...names.slice(0, MAX_NAMES), "…"];
}

const BITS = 32;

/**
 * Returns a function that tells whether one step must be final before another one starts. Call it only after `checkGraph`,
 * which limits the depth. One bit per pair of steps: a set per step would take a second for the largest workflow.
 */
export function ancestryOf(steps: readonly Pick<Step, "dependsOn">[]) {
  const words = Math.ceil(steps.length / BITS);
  const known = new Map<number, Uint32Array>();
  const ancestorsOf = (position: number): Uint32Array => {
    const found = known.get(position) ?? new Uint32Array(words);
    if (known.has(position)) return found;
    for (const dependency of steps[position]?.dependsOn ?? []) {
      const earlier = ancestorsOf(dependency);
      for (const [word, bits] of earlier.entries()) found[word] = (found[word] ?? 0) | bits;
      const word = Math.floor(dependency / BITS);
      found[word] = (found[word] ?? 0) | (1 << (dependency % BITS));
    }
    known.set(position, found);
    return found;
  };
  return (ancestor: number, position: number): boolean => {
    const word = ancestorsOf(position)[Math.floor(ancestor / BITS)] ?? 0;
    return (word & (1 << (ancestor % BITS))) !== 0;
  };
}

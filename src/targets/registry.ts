/** The targets that are a part of Rowmill. all.ts lists them; define/ has those that administrators add. */
import type { BatchMode } from "../schema/batches.ts";
import * as all from "./all.ts";
import { isRemote, type Target } from "./target.ts";

export const builtInTargets: readonly Target[] = Object.values<Target>(all);

const byName: ReadonlyMap<string, Target> = new Map(builtInTargets.map((target) => [target.name, target]));

/** The targets that call a service for their rows. */
export const rowTargetNames: readonly string[] = builtInTargets.filter(isRemote).map(({ name }) => name);

export function findBuiltIn(name: string): Target | undefined {
  return byName.get(name);
}

/** @throws Error if the target does not exist */
export function builtInNamed(name: string): Target {
  const target = byName.get(name);
  if (!target) throw new Error(`There is no target "${name}".`);
  return target;
}

/** The modes that an upload for the target may choose. */
export function modesOf({ modes = ["insert"] }: Target): readonly BatchMode[] {
  return modes;
}

/** Targets by name, and who may upload for them. all.ts lists them. */
import { DomainError, invalidField } from "../errors.ts";
import type { Role } from "../schema/accounts.ts";
import type { BatchMode } from "../schema/batches.ts";
import * as all from "./all.ts";
import type { Target } from "./target.ts";

const targets: readonly Target[] = Object.values<Target>(all);

const byName: ReadonlyMap<string, Target> = new Map(targets.map((target) => [target.name, target]));

export const targetNames: readonly string[] = [...byName.keys()];

export function findTarget(name: string): Target | undefined {
  return byName.get(name);
}

/** @throws DomainError `invalid_input` where there is no such target */
export function targetNamed(name: string): Target {
  const target = byName.get(name);
  if (!target) throw invalidField("target", `"${name}" is not one of: ${targetNames.join(", ")}.`);
  return target;
}

/** Those that somebody of this role may upload for. */
export function targetsFor(role: Role): Target[] {
  return targets.filter((target) => target.role === undefined || target.role === role);
}

/** @throws DomainError `invalid_input` where there is no such target, `forbidden` where it is not for this role */
export function targetForUpload(name: string, role: Role): Target {
  const target = targetNamed(name);
  if (target.role !== undefined && target.role !== role)
    throw new DomainError("forbidden", `target: Only an administrator may upload ${name}.`);
  return target;
}

/** What an upload for the target may choose as `mode`. */
export function modesOf({ modes = ["insert"] }: Target): readonly BatchMode[] {
  return modes;
}

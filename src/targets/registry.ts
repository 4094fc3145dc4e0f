/** Looks up targets by name and role. all.ts lists them. */
import type { Context } from "../context.ts";
import { DomainError, invalidField } from "../errors.ts";
import type { Actor, Role } from "../schema/accounts.ts";
import type { BatchMode } from "../schema/batches.ts";
import * as all from "./all.ts";
import type { Target } from "./target.ts";

const targets: readonly Target[] = Object.values<Target>(all);

const byName: ReadonlyMap<string, Target> = new Map(targets.map((target) => [target.name, target]));

export const targetNames: readonly string[] = [...byName.keys()];

/** The targets that call a service for each row. */
export const rowTargetNames: readonly string[] = targets
  .filter((target) => "handle" in target)
  .map(({ name }) => name);

export function findTarget(name: string): Target | undefined {
  return byName.get(name);
}

/** @throws DomainError `invalid_input` if the target does not exist */
export function targetNamed(name: string): Target {
  const target = byName.get(name);
  if (!target) throw invalidField("target", `"${name}" is not one of: ${targetNames.join(", ")}.`);
  return target;
}

/** The targets that a user with this role may upload for. */
export function targetsFor(role: Role): Target[] {
  return targets.filter((target) => target.role === undefined || target.role === role);
}

/** @throws DomainError `invalid_input` if the target does not exist, `forbidden` if the role may not upload for it */
export function targetForUpload(name: string, role: Role): Target {
  const target = targetNamed(name);
  if (target.role !== undefined && target.role !== role)
    throw new DomainError("forbidden", `target: Only administrators can upload ${name}.`);
  return target;
}

/**
 * Checks who uploads for the target or changes a batch of it. Its rows would still have the rights of an administrator if
 * the user has lost the role. An API token may leak, and must not create logins that outlive it.
 * @throws DomainError `forbidden`
 */
export function requireRights({ actor }: Pick<Context, "actor">, target: Target | undefined): void {
  if (!target || hasRights({ actor }, target)) return;
  const message = hasRole(actor, target)
    ? `An API token cannot import ${target.name}, or change such a batch. Log in and send the access token instead.`
    : `Only administrators can import ${target.name}, or change such a batch.`;
  throw new DomainError("forbidden", message);
}

/** The targets whose batches the user who acts may not change. */
export function targetsDeniedTo(ctx: Pick<Context, "actor">): string[] {
  return targets.filter((target) => !hasRights(ctx, target)).map(({ name }) => name);
}

/** Whether `requireRights` throws nothing. */
export function hasRights({ actor }: Pick<Context, "actor">, target: Target | undefined): boolean {
  return hasRole(actor, target) && !(target?.needsLogin && actor?.proof === "api_token");
}

function hasRole(actor: Actor | null, target: Target | undefined): boolean {
  return target?.role === undefined || !actor || actor.role === target.role;
}

/** The modes that an upload for the target may choose. */
export function modesOf({ modes = ["insert"] }: Target): readonly BatchMode[] {
  return modes;
}

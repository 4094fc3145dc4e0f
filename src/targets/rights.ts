/** The rights to upload for a target and to change its batches. */
import type { Context } from "../context.ts";
import { DomainError } from "../errors.ts";
import type { Actor, Role } from "../schema/accounts.ts";
import type { TargetTraits } from "../schema/targets.ts";
import { builtInTargets, findBuiltIn } from "./registry.ts";
import { isGroupTarget, isRemote, type Target } from "./target.ts";

/** The facts about a batch that say which target it has. */
interface TargetOfBatch {
  readonly target: string;
  /** null: the target is a part of Rowmill. */
  readonly targetTraits: TargetTraits | null;
}

/** Returns the facts about a target that its batches keep, because the target may change later. */
export function traitsOf(target: Target): TargetTraits {
  const { role, needsLogin, undo } = target;
  return {
    ...(role === undefined ? {} : { role }),
    ...(needsLogin === undefined ? {} : { needsLogin }),
    canUndo: undo !== undefined || (isGroupTarget(target) && target.sendUndo !== undefined),
    isRemote: isRemote(target),
    ...(isGroupTarget(target) ? { lanes: target.lanes, sendsDryRuns: target.sendsDryRuns } : {}),
  };
}

/** Returns the facts that the batch keeps. Targets that are a part of Rowmill do not change. */
export function traitsOfBatch({ target, targetTraits }: TargetOfBatch): TargetTraits {
  if (targetTraits) return targetTraits;
  const builtIn = findBuiltIn(target);
  return builtIn ? traitsOf(builtIn) : { canUndo: false, isRemote: false };
}

/**
 * Checks who uploads for a target or changes a batch of it. Its rows would still have the rights of an administrator if
 * the user has lost the role. An API token may leak, and must not create logins that outlive it.
 * @throws DomainError `forbidden`
 */
export function requireRights({ actor }: Pick<Context, "actor">, name: string, traits: TargetTraits): void {
  if (hasRights({ actor }, traits)) return;
  const message = hasRole(actor, traits)
    ? `An API token cannot import ${name}, or change such a batch. Log in and send the access token instead.`
    : `Only administrators can import ${name}, or change such a batch.`;
  throw new DomainError("forbidden", message);
}

/** Whether `requireRights` throws nothing. */
export function hasRights({ actor }: Pick<Context, "actor">, traits: TargetTraits): boolean {
  return hasRole(actor, traits) && !(traits.needsLogin && actor?.proof === "api_token");
}

function hasRole(actor: Actor | null, { role }: TargetTraits): boolean {
  return role === undefined || !actor || actor.role === role;
}

/** Whether a user with the role may upload for the target. */
export function isForRole({ role }: Pick<Target, "role">, of: Role): boolean {
  return role === undefined || role === of;
}

/** The built-in targets whose batches the user who acts may not change. */
export function targetsDeniedTo(ctx: Pick<Context, "actor">): string[] {
  return builtInTargets.filter((target) => !hasRights(ctx, traitsOf(target))).map(({ name }) => name);
}

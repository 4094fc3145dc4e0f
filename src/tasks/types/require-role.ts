import { and, eq } from "drizzle-orm";
import type { Config } from "../../config/config.ts";
import type { Context } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { type Role, users } from "../../schema/accounts.ts";
import { taskTypes } from "./registry.ts";
import type { TaskType, TypeRole } from "./task-type.ts";

/** The role that a type requires with these settings; undefined: none. */
export function roleOf({ role }: TaskType, config: Config): TypeRole | undefined {
  return typeof role === "function" ? role(config) : role;
}

/** The types whose tasks a user with this role may create. */
export function typesFor(role: Role, config: Config): TaskType[] {
  return taskTypes.filter((type) => {
    const required = roleOf(type, config);
    return required === undefined || required === role;
  });
}

/** The names of the types whose tasks the user who acts may not retry. Rowmill itself may retry all. */
export function typesDeniedTo({ actor, config }: Pick<Context, "actor" | "config">): string[] {
  const allowed = actor ? typesFor(actor.role, config) : taskTypes;
  return taskTypes.filter((type) => !allowed.includes(type)).map(({ name }) => name);
}

/**
 * Checks both the user who acts and the owner: a schedule or a command creates tasks for a user who does not act.
 * @throws DomainError `forbidden` if one of them lacks the role that a type requires
 */
export async function requireTypeRole(
  ctx: Context,
  ownerId: number,
  types: readonly (TaskType | undefined)[],
): Promise<void> {
  for (const type of new Set(types.filter((one) => one !== undefined))) {
    const role = roleOf(type, ctx.config);
    if (role === undefined) continue;
    if (role === "nobody")
      throw new DomainError(
        "forbidden",
        `type: Tasks of type ${type.name} are turned off by a setting of the server.`,
      );
    if (await mayUse(ctx, ownerId, role)) continue;
    throw new DomainError(
      "forbidden",
      `type: Only administrators can create or retry tasks of type ${type.name}.`,
    );
  }
}

async function mayUse({ actor, db }: Context, ownerId: number, role: Role): Promise<boolean> {
  if (actor && actor.role !== role) return false;
  if (actor?.id === ownerId) return true;
  const owner = await db
    .select({ id: users.id })
    .from(users)
    .where(and(eq(users.id, ownerId), eq(users.role, role)));
  return owner.length > 0;
}

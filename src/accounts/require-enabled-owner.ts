import { and, eq, isNotNull } from "drizzle-orm";
import type { Context } from "../context.ts";
import { DomainError } from "../errors.ts";
import { users } from "../schema/accounts.ts";

/**
 * Schedules, workflows and commands create work for an owner who does not act. The credentials of a user who acts were checked.
 * @throws DomainError `account_disabled`
 */
export async function requireEnabledOwner(
  { actor, db }: Pick<Context, "actor" | "db">,
  ownerId: number,
): Promise<void> {
  if (actor?.id === ownerId) return;
  const isDisabled = and(eq(users.id, ownerId), isNotNull(users.disabledAt));
  if ((await db.$count(users, isDisabled)) === 0) return;
  throw new DomainError("account_disabled", "The account of the owner is disabled.");
}

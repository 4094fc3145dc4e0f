import { and, eq, sql } from "drizzle-orm";
import { requireUsable } from "../../accounts/queries.ts";
import type { Context } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { users } from "../../schema/accounts.ts";

/** Reserved in accounts/usernames.ts. */
const ANONYMOUS = "anonymous";
/** Stored instead of a password hash: nobody can log in, and an older account of this name is recognized. */
const NO_LOGIN = "!anonymous";

/**
 * Returns the id of the user who owns uploads without a login, and creates it if necessary.
 * @throws DomainError `account_disabled`; `conflict` if a person chose the name before it was reserved
 */
export async function anonymousUser(ctx: Context): Promise<number> {
  const known = await findAnonymous(ctx);
  if (known !== null) {
    await requireUsable(ctx, known);
    return known;
  }
  await ctx.db.insert(users).values({ username: ANONYMOUS, passwordHash: NO_LOGIN }).onConflictDoNothing();
  const created = await findAnonymous(ctx);
  if (created !== null) return created;
  throw new DomainError("conflict", `The username "${ANONYMOUS}" belongs to a person. Log in to upload.`);
}

/** Returns null if nobody has uploaded without a login yet. */
export async function findAnonymous({ db }: Context): Promise<number | null> {
  const [user] = await db
    .select({ id: users.id })
    .from(users)
    .where(and(sql`lower(${users.username}) = ${ANONYMOUS}`, eq(users.passwordHash, NO_LOGIN)));
  return user?.id ?? null;
}

import { and, eq, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { users } from "../../schema/accounts.ts";

/** Reserved in accounts/usernames.ts. */
const ANONYMOUS = "anonymous";
/** In the place of its hash: nobody can log in, and it is told apart from an account that had the name before it was reserved. */
const NO_LOGIN = "!anonymous";

/** Made when it is needed first. @throws DomainError `conflict` where a person has the name from before it was reserved */
export async function anonymousUser(ctx: Context): Promise<number> {
  const known = await findAnonymous(ctx);
  if (known !== null) return known;
  await ctx.db.insert(users).values({ username: ANONYMOUS, passwordHash: NO_LOGIN }).onConflictDoNothing();
  const made = await findAnonymous(ctx);
  if (made !== null) return made;
  throw new DomainError("conflict", `Somebody has an account named "${ANONYMOUS}". Log in to upload.`);
}

/** Null: nobody has uploaded without a token yet. */
export async function findAnonymous({ db }: Context): Promise<number | null> {
  const [user] = await db
    .select({ id: users.id })
    .from(users)
    .where(and(sql`lower(${users.username}) = ${ANONYMOUS}`, eq(users.passwordHash, NO_LOGIN)));
  return user?.id ?? null;
}

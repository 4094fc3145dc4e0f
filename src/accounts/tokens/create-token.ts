import { eq } from "drizzle-orm";
import { type Context, inTransaction } from "../../context.ts";
import { DomainError, invalidField } from "../../errors.ts";
import { apiTokens, users } from "../../schema/accounts.ts";
import { drawToken, hashOfToken, isOf, shownColumns } from "./api-tokens.ts";
import { removeExpiredTokens } from "./remove-expired-tokens.ts";
import { type TokenView, viewToken } from "./views.ts";

/** Of one user. */
const MAX_TOKENS = 100;
const DAY_MS = 86_400_000;

export interface NewToken {
  readonly name: string;
  /** Null: it is good until it is revoked. */
  readonly expiresInDays: number | null;
}

/**
 * @returns the token itself too, for the only time
 * @throws DomainError `conflict` where the user has one of that name, whatever its case, or too many
 */
export async function createToken(
  ctx: Context,
  userId: number,
  { name, expiresInDays }: NewToken,
): Promise<TokenView & { token: string }> {
  const cleaned = name.trim().normalize("NFC");
  if (cleaned === "") throw invalidField("name", "is empty; say what the token is for.");
  const { token, hint } = drawToken();
  return inTransaction(ctx, async (tx) => {
    // One at a time for a user, so that the count holds.
    const [user] = await tx.db
      .select({ id: users.id })
      .from(users)
      .where(eq(users.id, userId))
      .for("no key update");
    if (!user) throw new DomainError("unauthenticated", "Your account does not exist any more.");
    await removeExpiredTokens(tx, userId);
    if ((await tx.db.$count(apiTokens, isOf(userId))) >= MAX_TOKENS)
      throw new DomainError("conflict", `You have ${MAX_TOKENS} API tokens. Revoke one that is not used.`);
    const [made] = await tx.db
      .insert(apiTokens)
      .values({
        userId,
        name: cleaned,
        tokenHash: hashOfToken(token),
        hint,
        createdAt: ctx.now(),
        expiresAt: expiresInDays === null ? null : new Date(ctx.now().getTime() + expiresInDays * DAY_MS),
      })
      .onConflictDoNothing()
      .returning(shownColumns);
    if (!made) throw nameTaken();
    return { ...viewToken(made), token };
  });
}

function nameTaken(): DomainError {
  const message = "is the name of another of your tokens; choose another or revoke that one.";
  return new DomainError("conflict", `name: ${message}`, { fieldErrors: { name: [message] } });
}

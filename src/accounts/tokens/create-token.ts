import { recordOwn } from "../../audit/record-repeated.ts";
import { type Context, inTransaction } from "../../context.ts";
import { DomainError, invalidField } from "../../errors.ts";
import { DAY_MS } from "../../platform/durations.ts";
import type { Login } from "../../platform/http/auth.ts";
import { apiTokens } from "../../schema/accounts.ts";
import { lockOwnAccount } from "../lock-account.ts";
import { requireLiveLogin } from "../sessions/require-live-login.ts";
import { generateToken, hashApiToken, isOwnedBy, shownColumns } from "./api-tokens.ts";
import { removeExpiredTokens } from "./remove-expired-tokens.ts";
import { type TokenView, viewToken } from "./views.ts";

/** Per user. */
const MAX_TOKENS = 100;

export interface NewToken {
  readonly name: string;
  /** null: the token does not expire. */
  readonly expiresInDays: number | null;
}

/**
 * Creates a token for the user of a request that has no API token.
 * @returns the view and the token itself, which is not stored and cannot be shown again
 * @throws DomainError `invalid_input` if the name is empty; `conflict` if the user has a token of that name, ignoring
 * case, or MAX_TOKENS tokens; `unauthenticated` if the login has ended meanwhile
 */
export async function createToken(
  ctx: Context,
  login: Login,
  { name, expiresInDays }: NewToken,
): Promise<TokenView & { token: string }> {
  const cleaned = name.trim().normalize("NFC");
  if (cleaned === "") throw invalidField("name", "must not be empty. Describe the purpose of the token.");
  const { token, hint } = generateToken();
  return inTransaction(ctx, async (tx) => {
    // Otherwise concurrent requests could exceed MAX_TOKENS, or outlive a change of the password.
    const userId = login.user.id;
    await requireLiveLogin(tx, await lockOwnAccount(tx, userId), login);
    await removeExpiredTokens(tx, userId);
    if ((await tx.db.$count(apiTokens, isOwnedBy(userId))) >= MAX_TOKENS)
      throw new DomainError(
        "conflict",
        `You have ${MAX_TOKENS} API tokens, which is the limit. Revoke one that you no longer use.`,
      );
    const [created] = await tx.db
      .insert(apiTokens)
      .values({
        userId,
        name: cleaned,
        tokenHash: hashApiToken(token),
        hint,
        createdAt: ctx.now(),
        expiresAt: expiresInDays === null ? null : new Date(ctx.now().getTime() + expiresInDays * DAY_MS),
      })
      .onConflictDoNothing()
      .returning(shownColumns);
    if (!created) throw nameTaken();
    // A login of a replaced service creates a token, and its request has no actor.
    const acting = { ...tx, actor: { ...login.user, proof: login.proof } };
    await recordOwn(acting, {
      action: "token.created",
      subject: { type: "api_token", id: created.id },
      ownerId: userId,
      details: { name: cleaned, expires_at: created.expiresAt },
    });
    return { ...viewToken(created), token };
  });
}

function nameTaken(): DomainError {
  const message = "is the name of another token of yours. Choose another name, or revoke that token.";
  return new DomainError("conflict", `name: ${message}`, { fieldErrors: { name: [message] } });
}

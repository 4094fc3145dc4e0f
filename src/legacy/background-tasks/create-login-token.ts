import { and, desc, inArray, like } from "drizzle-orm";
import { lockOwnAccount } from "../../accounts/lock-account.ts";
import { isOwnedBy } from "../../accounts/tokens/api-tokens.ts";
import { createToken } from "../../accounts/tokens/create-token.ts";
import { revokeTokens } from "../../accounts/tokens/revoke-token.ts";
import { type Context, inTransaction } from "../../context.ts";
import type { Login } from "../../platform/http/auth.ts";
import { apiTokens } from "../../schema/accounts.ts";

const PREFIX = "Login of ";

/** The newest logins of a user whose tokens are valid. */
const MAX_LOGINS = 10;

/**
 * Creates an API token for a client that logs in and keeps its token for ever, and revokes the oldest of these tokens.
 * @throws the errors of `createToken`
 */
export function createLoginToken(ctx: Context, login: Login): Promise<string> {
  const userId = login.user.id;
  return inTransaction(ctx, async (tx) => {
    await lockOwnAccount(tx, userId);
    const old = await tx.db
      .select({ id: apiTokens.id })
      .from(apiTokens)
      .where(and(isOwnedBy(userId), like(apiTokens.name, `${PREFIX}%`)))
      .orderBy(desc(apiTokens.id))
      .offset(MAX_LOGINS - 1);
    const ids = old.map(({ id }) => id);
    if (ids.length > 0) await revokeTokens(tx, [userId], inArray(apiTokens.id, ids));
    const name = `${PREFIX}${tx.now().toISOString()} ${crypto.randomUUID().slice(0, 8)}`;
    const { token } = await createToken(tx, login, { name, expiresInDays: null });
    return token;
  });
}

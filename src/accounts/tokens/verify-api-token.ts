import { and, eq, gt, isNull, lt, or, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import type { Login } from "../../platform/http/auth.ts";
import { apiTokens, users } from "../../schema/accounts.ts";
import { requireEnabled } from "../account-state.ts";
import { hashApiToken } from "./api-tokens.ts";

/** `last_used_at` is written at most once per minute and token. */
const LAST_USE_STEP_MS = 60_000;

/**
 * Finds the owner of a token. Reads the database each time, so that revoking a token takes effect at once.
 * @throws DomainError `unauthenticated`, `account_disabled`
 */
export async function verifyApiToken(ctx: Context, token: string): Promise<Login> {
  const now = ctx.now();
  const [found] = await ctx.db
    .select({
      tokenId: apiTokens.id,
      lastUsedAt: apiTokens.lastUsedAt,
      disabledAt: users.disabledAt,
      user: { id: users.id, username: users.username, role: users.role },
    })
    .from(apiTokens)
    .innerJoin(users, eq(users.id, apiTokens.userId))
    .where(
      and(
        eq(apiTokens.tokenHash, hashApiToken(token)),
        or(isNull(apiTokens.expiresAt), gt(apiTokens.expiresAt, now)),
      ),
    );
  if (!found)
    throw new DomainError(
      "unauthenticated",
      "The API token is unknown, revoked or expired. Create a new one.",
    );
  requireEnabled(found);
  // Not awaited: the request does not depend on it.
  if (found.lastUsedAt === null || found.lastUsedAt < stepBefore(now))
    markUsed(ctx, found.tokenId, now).catch((error) =>
      ctx.log.warn({ err: error }, "could not record the last use of an API token"),
    );
  return { proof: "api_token", user: found.user, tokenId: found.tokenId };
}

async function markUsed({ db }: Context, id: number, now: Date): Promise<void> {
  const isDue = or(isNull(apiTokens.lastUsedAt), lt(apiTokens.lastUsedAt, stepBefore(now)));
  const free = db
    .select({ id: apiTokens.id })
    .from(apiTokens)
    .where(and(eq(apiTokens.id, id), isDue))
    .for("update", { skipLocked: true });
  await db.update(apiTokens).set({ lastUsedAt: now }).where(sql`${apiTokens.id} IN ${free}`);
}

function stepBefore(now: Date): Date {
  return new Date(now.getTime() - LAST_USE_STEP_MS);
}

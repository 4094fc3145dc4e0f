import { and, eq, gt, isNull, lt, or, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import type { Caller } from "../../schema/accounts.ts";
import { apiTokens, users } from "../../schema/accounts.ts";
import { hashOfToken } from "./api-tokens.ts";

/** A write a minute and token, however often it is used. */
const LAST_USE_STEP_MS = 60_000;

/** Whose token it is. Looked up each time, so that a token that was revoked is none. @throws DomainError `unauthenticated` */
export async function verifyApiToken(ctx: Context, token: string): Promise<Caller> {
  const now = ctx.now();
  const [found] = await ctx.db
    .select({
      tokenId: apiTokens.id,
      lastUsedAt: apiTokens.lastUsedAt,
      caller: { id: users.id, username: users.username, role: users.role },
    })
    .from(apiTokens)
    .innerJoin(users, eq(users.id, apiTokens.userId))
    .where(
      and(
        eq(apiTokens.tokenHash, hashOfToken(token)),
        or(isNull(apiTokens.expiresAt), gt(apiTokens.expiresAt, now)),
      ),
    );
  if (!found) throw new DomainError("unauthenticated", "The API token is unknown, revoked or expired.");
  // Nobody waits for it, and a request is as good without it.
  if (found.lastUsedAt === null || found.lastUsedAt < stepBefore(now))
    markUsed(ctx, found.tokenId, now).catch((error) =>
      ctx.log.warn({ err: error }, "the last use of an API token could not be noted"),
    );
  return found.caller;
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

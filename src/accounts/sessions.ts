/** Refresh tokens: opaque, stored as hashes, each valid for one rotation. */
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { and, eq, gt, isNull, lt } from "drizzle-orm";
import { type Context, inTransaction } from "../context.ts";
import { DomainError } from "../errors.ts";
import type { Caller } from "../schema/accounts.ts";
import { rateLimits, refreshTokens, users } from "../schema/accounts.ts";

/** Starts a login, which is a family of refresh tokens. @returns its first token */
export function openSession(ctx: Context, userId: number): Promise<string> {
  return addToken(ctx, userId, randomUUID());
}

/**
 * Exchanges a refresh token for the next one of its family. A token that is used twice may be stolen, so this revokes
 * the whole family (RFC 9700, section 4.14.2).
 * @throws DomainError `unauthenticated` if the token is unknown, expired, revoked or used
 */
export async function rotateSession(ctx: Context, token: string): Promise<{ user: Caller; refresh: string }> {
  const tokenHash = hashToken(token);
  const rotated = await inTransaction(ctx, async (tx) => {
    const [used] = await tx.db
      .update(refreshTokens)
      .set({ usedAt: ctx.now() })
      .where(
        and(
          eq(refreshTokens.tokenHash, tokenHash),
          isNull(refreshTokens.usedAt),
          isNull(refreshTokens.revokedAt),
          gt(refreshTokens.expiresAt, ctx.now()),
        ),
      )
      .returning({ userId: refreshTokens.userId, familyId: refreshTokens.familyId });
    if (!used) return null;
    const [user] = await tx.db
      .select({ id: users.id, username: users.username, role: users.role })
      .from(users)
      .where(eq(users.id, used.userId));
    return user ? { user, refresh: await addToken(tx, used.userId, used.familyId) } : null;
  });
  if (rotated) return rotated;
  await closeSession(ctx, token);
  throw new DomainError(
    "unauthenticated",
    "The refresh token is unknown, expired, revoked or already used. Log in again.",
  );
}

/** Revokes the family of a token. Ignores unknown tokens. */
export async function closeSession(ctx: Context, token: string): Promise<void> {
  const family = ctx.db
    .select({ familyId: refreshTokens.familyId })
    .from(refreshTokens)
    .where(eq(refreshTokens.tokenHash, hashToken(token)));
  await ctx.db
    .update(refreshTokens)
    .set({ revokedAt: ctx.now() })
    .where(and(eq(refreshTokens.familyId, family), isNull(refreshTokens.revokedAt)));
}

/** Removes expired refresh tokens, and login counters whose window is over. @returns the number of tokens */
export async function removeExpiredSessions(ctx: Context): Promise<number> {
  const removed = await ctx.db.delete(refreshTokens).where(lt(refreshTokens.expiresAt, ctx.now()));
  await ctx.db.delete(rateLimits).where(lt(rateLimits.expire, ctx.now().getTime()));
  return removed.rowCount ?? 0;
}

async function addToken(ctx: Context, userId: number, familyId: string): Promise<string> {
  const token = randomBytes(32).toString("base64url");
  const expiresAt = new Date(ctx.now().getTime() + ctx.config.refreshTokenTtlSeconds * 1000);
  await ctx.db.insert(refreshTokens).values({ tokenHash: hashToken(token), userId, familyId, expiresAt });
  return token;
}

function hashToken(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

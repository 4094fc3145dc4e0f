/** Refresh tokens: opaque, stored as hashes, each valid for one rotation. */
import { createHash, createHmac, randomBytes } from "node:crypto";
import type { Context } from "../../context.ts";
import { refreshTokens } from "../../schema/accounts.ts";

export function randomToken(): string {
  return randomBytes(32).toString("base64url");
}

/**
 * Returns the token that replaces `token`. It is derived instead of random, so that a client that sends `token` twice at
 * the same time gets the same successor twice, although only its hash is stored. Nobody can derive it without JWT_SECRET.
 */
export function successorOf({ config }: Context, token: string): string {
  return createHmac("sha256", config.jwtSecret).update(`refresh token ${token}`).digest("base64url");
}

export function hashToken(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

/** Stores the hash of a refresh token, with the time at which it expires. */
export async function storeToken(
  ctx: Context,
  token: string,
  { userId, familyId }: { userId: number; familyId: string },
): Promise<void> {
  const expiresAt = secondsLater(ctx.now(), ctx.config.refreshTokenTtlSeconds);
  await ctx.db.insert(refreshTokens).values({ tokenHash: hashToken(token), userId, familyId, expiresAt });
}

/** When the session ends unless it is used again. */
export function sessionExpiry({ config, now }: Context): Date {
  return secondsLater(now(), Math.max(config.refreshTokenTtlSeconds, config.accessTokenTtlSeconds));
}

function secondsLater(now: Date, seconds: number): Date {
  return new Date(now.getTime() + seconds * 1000);
}

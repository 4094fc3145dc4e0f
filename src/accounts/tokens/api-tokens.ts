import { createHash, randomBytes } from "node:crypto";
import { and, eq, gt, type SQL } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { API_TOKEN_PREFIX } from "../../platform/http/auth.ts";
import { apiTokens } from "../../schema/accounts.ts";

/** Its last characters, by which its owner tells it from others. */
const HINT_LENGTH = 4;

export type StoredToken = Omit<typeof apiTokens.$inferSelect, "userId" | "tokenHash">;

/** What of a token is read to show it. */
export const shownColumns = {
  id: apiTokens.id,
  name: apiTokens.name,
  hint: apiTokens.hint,
  createdAt: apiTokens.createdAt,
  expiresAt: apiTokens.expiresAt,
  lastUsedAt: apiTokens.lastUsedAt,
};

/** Of a user, oldest first. */
export function listTokens(
  ctx: Context,
  userId: number,
  { after, limit }: { after: number; limit: number },
): Promise<StoredToken[]> {
  return ctx.db
    .select(shownColumns)
    .from(apiTokens)
    .where(and(isOf(userId), gt(apiTokens.id, after)))
    .orderBy(apiTokens.id)
    .limit(limit);
}

export function isOf(userId: number): SQL {
  return eq(apiTokens.userId, userId);
}

export function drawToken(): { token: string; hint: string } {
  const token = API_TOKEN_PREFIX + randomBytes(32).toString("base64url");
  return { token, hint: token.slice(-HINT_LENGTH) };
}

export function hashOfToken(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

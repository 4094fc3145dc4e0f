import { createHash, randomBytes } from "node:crypto";
import { and, eq, gt, type SQL, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { API_TOKEN_PREFIX } from "../../platform/http/auth.ts";
import { type Found, readPage } from "../../platform/postgres/read-page.ts";
import { apiTokens } from "../../schema/accounts.ts";

/** The last characters of a token, shown so that its owner recognizes it. */
const HINT_LENGTH = 4;

export type StoredToken = Omit<typeof apiTokens.$inferSelect, "userId" | "tokenHash">;

/** Everything but the owner and the hash. */
export const shownColumns = {
  id: apiTokens.id,
  name: apiTokens.name,
  hint: apiTokens.hint,
  createdAt: apiTokens.createdAt,
  expiresAt: apiTokens.expiresAt,
  lastUsedAt: apiTokens.lastUsedAt,
};

/** Oldest first. @param after the id of the last token of the previous page */
export function listTokens(
  ctx: Context,
  userId: number,
  { after, limit }: { after: number; limit: number },
): Promise<Found<StoredToken>> {
  return readPage(ctx, {
    fields: shownColumns,
    from: sql`${apiTokens} WHERE ${and(isOwnedBy(userId), gt(apiTokens.id, after))} ORDER BY ${apiTokens.id}`,
    order: sql`id`,
    limit,
  });
}

export function isOwnedBy(userId: number): SQL {
  return eq(apiTokens.userId, userId);
}

export function generateToken(): { token: string; hint: string } {
  const token = API_TOKEN_PREFIX + randomBytes(32).toString("base64url");
  return { token, hint: token.slice(-HINT_LENGTH) };
}

export function hashApiToken(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

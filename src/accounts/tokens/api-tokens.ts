import { createHash, randomBytes } from "node:crypto";
import { and, eq, gt, type SQL } from "drizzle-orm";
import Type, { type Static } from "typebox";
import type { Context } from "../../context.ts";
import { API_TOKEN_PREFIX } from "../../platform/http/auth.ts";
import { apiTokens } from "../../schema/accounts.ts";

/** Its last characters, by which its owner tells it from others. */
const HINT_LENGTH = 4;

const NullableMoment = Type.Union([Type.String({ format: "date-time" }), Type.Null()]);

export const TokenView = Type.Object({
  id: Type.Integer(),
  name: Type.String({ examples: ["nightly import"] }),
  hint: Type.String({ description: "Its last characters.", examples: ["x9Zk"] }),
  created_at: Type.String({ format: "date-time" }),
  expires_at: NullableMoment,
  last_used_at: Type.Union(NullableMoment.anyOf, { description: "To the minute." }),
});
export type TokenView = Static<typeof TokenView>;

type StoredToken = Omit<typeof apiTokens.$inferSelect, "userId" | "tokenHash">;

/** What of a token is read to show it. */
export const shownColumns = {
  id: apiTokens.id,
  name: apiTokens.name,
  hint: apiTokens.hint,
  createdAt: apiTokens.createdAt,
  expiresAt: apiTokens.expiresAt,
  lastUsedAt: apiTokens.lastUsedAt,
};

export function viewToken({ id, name, hint, createdAt, expiresAt, lastUsedAt }: StoredToken): TokenView {
  return {
    id,
    name,
    hint,
    created_at: createdAt.toISOString(),
    expires_at: expiresAt?.toISOString() ?? null,
    last_used_at: lastUsedAt?.toISOString() ?? null,
  };
}

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

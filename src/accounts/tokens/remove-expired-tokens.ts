import { and, lte } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { apiTokens } from "../../schema/accounts.ts";
import { isOwnedBy } from "./api-tokens.ts";

/**
 * @param userId absent: the tokens of all users
 * @returns the number of removed tokens
 */
export async function removeExpiredTokens(ctx: Context, userId?: number): Promise<number> {
  const isInScope = userId === undefined ? undefined : isOwnedBy(userId);
  const { rowCount } = await ctx.db
    .delete(apiTokens)
    .where(and(isInScope, lte(apiTokens.expiresAt, ctx.now())));
  return rowCount ?? 0;
}

import { and, lte } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { apiTokens } from "../../schema/accounts.ts";
import { isOf } from "./api-tokens.ts";

/** Of one user, or of all. */
export async function removeExpiredTokens(ctx: Context, userId?: number): Promise<number> {
  const isTheirs = userId === undefined ? undefined : isOf(userId);
  const { rowCount } = await ctx.db
    .delete(apiTokens)
    .where(and(isTheirs, lte(apiTokens.expiresAt, ctx.now())));
  return rowCount ?? 0;
}

import { lt } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { rateLimits, refreshTokens, sessions } from "../../schema/accounts.ts";

/** Removes expired sessions and tokens, and login counters whose window is over. @returns the number of refresh tokens */
export async function removeExpiredSessions(ctx: Context): Promise<number> {
  const removed = await ctx.db.delete(refreshTokens).where(lt(refreshTokens.expiresAt, ctx.now()));
  await ctx.db.delete(sessions).where(lt(sessions.expiresAt, ctx.now()));
  await ctx.db.delete(rateLimits).where(lt(rateLimits.expire, ctx.now().getTime()));
  return removed.rowCount ?? 0;
}

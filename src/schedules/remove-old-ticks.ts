import { and, lt, ne } from "drizzle-orm";
import { type Context, retentionLimit } from "../context.ts";
import { scheduleTicks } from "../schema/schedules.ts";

/** Removes ticks of more than RETENTION_DAYS ago. @returns their number */
export async function removeOldTicks(ctx: Context): Promise<number> {
  const isOld = and(lt(scheduleTicks.tickAt, retentionLimit(ctx)), ne(scheduleTicks.state, "waiting"));
  const removed = await ctx.db.delete(scheduleTicks).where(isOld);
  return removed.rowCount ?? 0;
}

import { lt, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { workers } from "../../schema/workers.ts";

/** Removes workers that have not reported for a day. @returns the number of removed workers */
export async function removeLostWorkers(ctx: Context): Promise<number> {
  const removed = await ctx.db
    .delete(workers)
    .where(lt(workers.lastSeenAt, sql`now() - interval '1 day'`))
    .returning({ id: workers.id });
  return removed.length;
}

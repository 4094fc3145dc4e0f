import { lt, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { workers } from "../schema/workers.ts";

/** Removes the rows of workers that were killed and have not been seen for a day. @returns how many */
export async function removeLostWorkers(ctx: Context): Promise<number> {
  const removed = await ctx.db
    .delete(workers)
    .where(lt(workers.lastSeenAt, sql`now() - interval '1 day'`))
    .returning({ id: workers.id });
  return removed.length;
}

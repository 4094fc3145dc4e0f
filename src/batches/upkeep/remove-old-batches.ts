import { and, inArray, lt } from "drizzle-orm";
import { type Context, retentionLimit } from "../../context.ts";
import { batches } from "../../schema/batches.ts";
import { ENDED_STATES } from "../state.ts";
import { removeBatch } from "./remove-batch.ts";

/** Removes batches that ended more than RETENTION_DAYS ago. Their records stay. */
export async function removeOldBatches(ctx: Context): Promise<number> {
  const old = await ctx.db
    .select({ id: batches.id })
    .from(batches)
    .where(and(inArray(batches.state, [...ENDED_STATES]), lt(batches.finishedAt, retentionLimit(ctx))));
  for (const { id } of old) await removeBatch(ctx, id);
  return old.length;
}

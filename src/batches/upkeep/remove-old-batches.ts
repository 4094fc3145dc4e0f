import { eq } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { DAY_MS } from "../../platform/durations.ts";
import { timeOfUuidV7 } from "../../platform/ids.ts";
import {
  type PartitionedDays,
  tryToCreateDayPartitions,
} from "../../platform/postgres/partitions/day-partitions.ts";
import { retentionLimit } from "../../retention.ts";
import { batches } from "../../schema/batches.ts";
import { ROW_TABLES } from "../../schema/day-tables.ts";
import { deleteExpired, dropDays, hasEndedBefore, listDays } from "./drop-days.ts";
import { removeBatch } from "./remove-batch.ts";
import { signsOfLife } from "./signs-of-life.ts";

/**
 * Removes batches that ended more than RETENTION_DAYS ago. Their records stay. If all batches of a day have expired, their rows are
 * dropped as one partition, which takes 0.1 s instead of 20 s per million rows. A batch waits up to a day for the others of its day.
 * @returns the number of removed batches
 */
export async function removeOldBatches(ctx: Context): Promise<number> {
  await tryToCreateDayPartitions(ctx, ROW_TABLES);
  const limit = retentionLimit(ctx);
  const days = await listDays(ctx);
  // No more batches come: a clock may be wrong, and an upload takes its id before it stores the batch.
  const past = days.filter(({ to }) => to.getTime() <= ctx.now().getTime() - DAY_MS);
  let removed = 0;
  for (const each of past) removed += await removeDropped(ctx, (await dropDays(ctx, each, limit)) ?? []);
  const old = await ctx.db
    .select({ id: batches.id, finishedAt: batches.finishedAt })
    .from(batches)
    .where(hasEndedBefore(limit));
  const waitsFor = waitingFor(days, limit);
  for (const { id, finishedAt } of old) {
    if (finishedAt && waitsFor(id, finishedAt)) continue;
    const deleting = await deleteExpired(ctx, limit, eq(batches.id, id));
    if (deleting.length === 0) continue; // Its owner has retried it meanwhile.
    await removeBatch(ctx, id);
    removed++;
  }
  return removed;
}

/** Removes the batches of a day. They are all being deleted already, so the reconciler would join after a while. */
async function removeDropped(ctx: Context, ids: readonly string[]): Promise<number> {
  using _signs = signsOfLife(ctx, ids);
  for (const id of ids) await removeBatch(ctx, id);
  return ids.length;
}

/** Whether a batch expired less than a day ago, and the last day of its partition will have expired within a day. */
function waitingFor(
  days: readonly PartitionedDays[],
  limit: Date,
): (id: string, finishedAt: Date) => boolean {
  const dayBefore = new Date(limit.getTime() - DAY_MS);
  const dayAfter = new Date(limit.getTime() + DAY_MS);
  return (id, finishedAt) => {
    if (finishedAt < dayBefore) return false;
    const at = timeOfUuidV7(id);
    return days.some(({ from, to }) => (from === null || from <= at) && at < to && to <= dayAfter);
  };
}

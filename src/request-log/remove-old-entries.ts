import { sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { dropPartitionsBefore, preparePartitions } from "./partitions.ts";

const DAY_MS = 86_400_000;
/** A statement deletes the entries of this time: at 1000 requests per second, 60,000. */
const SLICE = sql.raw("interval '1 minute'");

export interface RemovedEntries {
  /** Days whose partitions were dropped. */
  readonly days: number;
  /** Entries that were deleted one by one, because they were in the default partition or the role owns no tables. */
  readonly entries: number;
}

/** Returns the start of the first day (UTC) that the request log keeps. */
export function firstLoggedDay({ config, now }: Pick<Context, "config" | "now">): Date {
  const today = Math.floor(now().getTime() / DAY_MS) * DAY_MS;
  return new Date(today - config.requestLogDays * DAY_MS);
}

/** Removes entries that are older than REQUEST_LOG_DAYS, and prepares the partitions of the next days. */
export async function removeOldEntries(ctx: Context, signal?: AbortSignal): Promise<RemovedEntries> {
  await preparePartitions(ctx);
  const limit = firstLoggedDay(ctx);
  const days = await dropPartitionsBefore(ctx, limit);
  let entries = 0;
  for (let isLast = false; !isLast; ) {
    signal?.throwIfAborted();
    const deleted = await deleteOldest(ctx, limit);
    entries += deleted;
    isLast = deleted === 0;
  }
  await ctx.db.execute(
    sql`DELETE FROM rowmill.request_log_gaps WHERE at < ${limit.toISOString()}::timestamptz`,
  );
  return { days, entries };
}

async function deleteOldest({ db }: Context, limit: Date): Promise<number> {
  const { rowCount } = await db.execute(sql`
    DELETE FROM rowmill.request_log WHERE at < least(${limit.toISOString()}::timestamptz, (
      SELECT at + ${SLICE} FROM rowmill.request_log ORDER BY at LIMIT 1
    ))`);
  return rowCount ?? 0;
}

import { type SQL, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { DAY_MS } from "../platform/durations.ts";
import {
  dropDayPartitions,
  tryToCreateDayPartitions,
} from "../platform/postgres/partitions/day-partitions.ts";
import { REQUEST_LOG } from "../schema/request-log.ts";

/** A statement deletes the entries of this time: at 1000 requests per second, 60,000. */
const SLICE = sql.raw("interval '1 minute'");
/** A daily clean-up that fails once is no reason for a warning. */
const WARN_AFTER_MS = DAY_MS;

export interface RemovedEntries {
  /** Days whose partitions were dropped. */
  readonly days: number;
  /** Days whose partitions could not be dropped yet, because others read them. */
  readonly daysInUse: number;
  /** Entries that were deleted one by one: those of the default partition, and of partitions that the role does not own. */
  readonly entries: number;
}

/** Returns the start of the first day (UTC) that the request log keeps. */
export function firstLoggedDay({ config, now }: Pick<Context, "config" | "now">): Date {
  const today = Math.floor(now().getTime() / DAY_MS) * DAY_MS;
  return new Date(today - config.requestLogDays * DAY_MS);
}

/** Removes entries that are older than REQUEST_LOG_DAYS, and prepares the partitions of the next days. */
export async function removeOldEntries(ctx: Context, signal: AbortSignal): Promise<RemovedEntries> {
  await tryToCreateDayPartitions(ctx, [REQUEST_LOG]);
  const limit = firstLoggedDay(ctx);
  const { dropped, inUse } = await dropDayPartitions(ctx.pool, REQUEST_LOG, limit, signal);
  warnOfDaysInUse(ctx, inUse, limit);
  let entries = 0;
  for (const range of rangesBetween(inUse, limit)) entries += await deleteWithin(ctx, range, signal);
  await ctx.db.execute(
    sql`DELETE FROM rowmill.request_log_gaps WHERE at < ${limit.toISOString()}::timestamptz`,
  );
  return { days: dropped, daysInUse: inUse.length, entries };
}

function warnOfDaysInUse({ log, config }: Context, [oldest, ...others]: readonly Date[], limit: Date): void {
  if (!oldest || limit.getTime() - (oldest.getTime() + DAY_MS) < WARN_AFTER_MS) return;
  log.warn(
    { oldest: oldest.toISOString().slice(0, 10), days: 1 + others.length, keptDays: config.requestLogDays },
    "days of the request log have expired, but others read their partitions: end long transactions and dumps",
  );
}

interface Range {
  /** undefined: from the first entry. */
  readonly from: Date | undefined;
  readonly to: Date;
}

/** The time before `limit` without these days. Their partitions are dropped as a whole, later. */
function rangesBetween(days: readonly Date[], limit: Date): Range[] {
  const starts = [undefined, ...days.map((day) => new Date(day.getTime() + DAY_MS))];
  const ends = [...days, limit];
  return starts.map((from, at) => ({ from, to: ends[at] ?? limit }));
}

async function deleteWithin({ db }: Context, { from, to }: Range, signal: AbortSignal): Promise<number> {
  const isWithin = sql`at >= ${from?.toISOString() ?? "-infinity"}::timestamptz AND at < ${to.toISOString()}::timestamptz`;
  let entries = 0;
  for (let isLast = false; !isLast; ) {
    signal.throwIfAborted();
    const deleted = await deleteOldest(db, isWithin);
    entries += deleted;
    isLast = deleted === 0;
  }
  return entries;
}

async function deleteOldest(db: Context["db"], isWithin: SQL): Promise<number> {
  const { rowCount } = await db.execute(sql`
    DELETE FROM rowmill.request_log WHERE ${isWithin} AND at < (
      SELECT at + ${SLICE} FROM rowmill.request_log WHERE ${isWithin} ORDER BY at LIMIT 1
    )`);
  return rowCount ?? 0;
}

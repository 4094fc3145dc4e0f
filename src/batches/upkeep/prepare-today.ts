import type { Context } from "../../context.ts";
import { DAY_MS } from "../../platform/durations.ts";
import { tryToCreateDayPartitions } from "../../platform/postgres/partitions/day-partitions.ts";
import { ROW_TABLES } from "../../schema/day-tables.ts";

/** The day for which a process has last prepared the partitions. */
const prepared = new WeakMap<Context["pool"], number>();

/** Prepares the partitions of rows and results for the next days, once per process and day. Call it before rows are stored. */
export async function prepareToday(ctx: Context): Promise<void> {
  const today = Math.floor(ctx.now().getTime() / DAY_MS);
  if (prepared.get(ctx.pool) === today) return;
  prepared.set(ctx.pool, today);
  await tryToCreateDayPartitions(ctx, ROW_TABLES);
}

/** The partitions of the request log, one per day. */
import type { Context } from "../context.ts";
import {
  createDayPartitions,
  type DroppedPartitions,
  dropDayPartitions,
} from "../platform/postgres/day-partitions.ts";
import { REQUEST_LOG } from "../schema/request-log.ts";

/** Creates the partitions of the next days. Entries of a day without one go to the default partition. */
export async function preparePartitions({ pool, now }: Context): Promise<number> {
  return createDayPartitions(pool, REQUEST_LOG, now());
}

/** Neither an entry nor a cleanup needs them. */
export async function tryToPreparePartitions(ctx: Context): Promise<void> {
  try {
    await preparePartitions(ctx);
  } catch (error) {
    ctx.log.warn({ err: error }, "could not create partitions of the request log");
  }
}

export async function dropPartitionsBefore(
  { pool }: Context,
  limit: Date,
  signal: AbortSignal,
): Promise<DroppedPartitions> {
  return dropDayPartitions(pool, REQUEST_LOG, limit, signal);
}

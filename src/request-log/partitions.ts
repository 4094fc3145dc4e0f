/** The partitions of the request log, one per day. CockroachDB has none. */
import type { Context } from "../context.ts";
import {
  createDayPartitions,
  type DroppedPartitions,
  dropDayPartitions,
} from "../platform/postgres/day-partitions.ts";
import { REQUEST_LOG } from "../schema/request-log.ts";

/** Creates the partitions of the next days. Entries of a day without one go to the default partition. */
export async function preparePartitions({ pool, config, now }: Context): Promise<number> {
  if (config.databaseBackend === "cockroachdb") return 0;
  return createDayPartitions(pool, REQUEST_LOG, now());
}

export async function dropPartitionsBefore(
  { pool, config }: Context,
  limit: Date,
  signal: AbortSignal,
): Promise<DroppedPartitions> {
  if (config.databaseBackend === "cockroachdb") return { dropped: 0, inUse: [] };
  return dropDayPartitions(pool, REQUEST_LOG, limit, signal);
}

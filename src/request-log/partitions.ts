/** The partitions of the request log, one per day. */
import type pg from "pg";
import type { Context } from "../context.ts";
import {
  createDayPartitions,
  type DroppedPartitions,
  dropDayPartitions,
} from "../platform/postgres/day-partitions.ts";
import { REQUEST_LOG } from "../schema/request-log.ts";

/** Creates the partitions of the next days. Entries of a day without one go to the default partition. */
export function preparePartitions(ctx: Context): Promise<number> {
  return onConnection(ctx, 0, (client) => createDayPartitions(client, REQUEST_LOG, ctx.now()));
}

export function dropPartitionsBefore(
  ctx: Context,
  limit: Date,
  signal: AbortSignal,
): Promise<DroppedPartitions> {
  const none = { dropped: 0, inUse: [] };
  return onConnection(ctx, none, (client) => dropDayPartitions(client, REQUEST_LOG, limit, signal));
}

/** @param none the result of a database without partitions */
async function onConnection<T>(
  { pool, config }: Context,
  none: T,
  fn: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  if (config.databaseBackend === "cockroachdb") return none;
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    return await fn(client);
  } catch (error) {
    broken = error as Error;
    throw error;
  } finally {
    client.release(broken);
  }
}

/** The partitions of the request log, one per day. */
import type pg from "pg";
import type { Context } from "../context.ts";
import { createDayPartitions, dropDayPartitions } from "../platform/postgres/day-partitions.ts";
import { REQUEST_LOG } from "../schema/request-log.ts";

/** Creates the partitions of the next days. Entries of a day without one go to the default partition. */
export function preparePartitions(ctx: Context): Promise<number> {
  return onConnection(ctx, (client) => createDayPartitions(client, REQUEST_LOG, ctx.now()));
}

/** @returns the number of dropped partitions */
export function dropPartitionsBefore(ctx: Context, limit: Date): Promise<number> {
  return onConnection(ctx, (client) => dropDayPartitions(client, REQUEST_LOG, limit));
}

async function onConnection(
  { pool, config }: Context,
  fn: (client: pg.PoolClient) => Promise<number>,
): Promise<number> {
  if (config.databaseBackend === "cockroachdb") return 0;
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

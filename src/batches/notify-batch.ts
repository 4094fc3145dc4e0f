import { sql } from "drizzle-orm";
import type { Context } from "../context.ts";

/** Its payload is the batch's id. */
export const BATCH_CHANNEL = "rowmill_batch";

/**
 * Tells whoever watches the batch that it has changed; in a transaction, when that commits. To be called wherever
 * its state or its counts change. A chunk of 4,000 rows can well bear the round trip (0.2 ms).
 */
export async function notifyBatch(ctx: Context, batchId: string): Promise<void> {
  // It has no notifications: watchers look for themselves (platform/notify-listener.ts).
  if (ctx.config.databaseBackend === "cockroachdb") return;
  await ctx.db.execute(sql`SELECT pg_notify(${BATCH_CHANNEL}, ${batchId})`);
}

import { and, eq, inArray, isNotNull, lt, ne, type SQL } from "drizzle-orm";
import { type Context, retentionLimit } from "../../context.ts";
import { uuidV7 } from "../../platform/ids.ts";
import { webhookDeliveries, webhooks } from "../../schema/webhooks.ts";

/** Deliveries per transaction. */
const PAGE = 1000;

/**
 * Removes deliveries that were created more than RETENTION_DAYS ago and have ended, with their attempts.
 * @returns the number of removed deliveries
 */
export function removeOldDeliveries(ctx: Context): Promise<number> {
  // The id begins with the time.
  const isOld = lt(webhookDeliveries.id, uuidV7(retentionLimit(ctx)));
  return removeDeliveries(ctx, and(isOld, ne(webhookDeliveries.state, "pending")));
}

/** Removes deleted webhooks. Their deliveries are too many for the request that deletes a webhook. */
export async function removeDeletedWebhooks(ctx: Context): Promise<void> {
  const deleted = await ctx.db
    .select({ id: webhooks.id })
    .from(webhooks)
    .where(isNotNull(webhooks.deletedAt));
  for (const { id } of deleted) {
    await removeDeliveries(ctx, eq(webhookDeliveries.webhookId, id));
    await ctx.db.delete(webhooks).where(eq(webhooks.id, id));
  }
}

async function removeDeliveries(ctx: Context, where: SQL | undefined): Promise<number> {
  for (let removed = 0; ; ) {
    const page = ctx.db
      .select({ id: webhookDeliveries.id })
      .from(webhookDeliveries)
      .where(where)
      .orderBy(webhookDeliveries.id)
      .limit(PAGE);
    const { rowCount } = await ctx.db.delete(webhookDeliveries).where(inArray(webhookDeliveries.id, page));
    removed += rowCount ?? 0;
    if ((rowCount ?? 0) < PAGE) return removed;
  }
}

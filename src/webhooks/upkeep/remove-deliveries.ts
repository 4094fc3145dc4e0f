import { and, eq, isNotNull, lt, ne, type SQL, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { firstUuidV7 } from "../../platform/ids.ts";
import { retentionLimit } from "../../retention.ts";
import { webhookDeliveries, webhooks } from "../../schema/webhooks.ts";

/** Deliveries per transaction. */
const PAGE = 1000;

const hasEnded = ne(webhookDeliveries.state, "pending");

/**
 * Removes deliveries that were created more than RETENTION_DAYS ago and have ended, with their attempts.
 * @returns the number of removed deliveries
 */
export function removeOldDeliveries(ctx: Context): Promise<number> {
  // The id begins with the time.
  const isOld = lt(webhookDeliveries.id, firstUuidV7(retentionLimit(ctx)));
  return removeDeliveries(ctx, and(isOld, hasEnded));
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

/**
 * Removes deliveries that have ended and are older than the newest WEBHOOK_MAX_DELIVERIES of their webhook.
 * @returns the number of removed deliveries
 */
export async function removeExcessDeliveries(ctx: Context): Promise<number> {
  let removed = 0;
  for await (const { webhookId, oldestKept } of longLogs(ctx)) {
    const isOfWebhook = eq(webhookDeliveries.webhookId, webhookId);
    removed += await removeDeliveries(ctx, and(isOfWebhook, lt(webhookDeliveries.id, oldestKept), hasEnded));
  }
  return removed;
}

interface LongLog {
  readonly webhookId: string;
  readonly oldestKept: string;
}

/** Webhooks per statement. */
const WEBHOOKS = 100;
/** This job runs every minute. A log that has not grown for an hour has been shortened. */
const GROWING_MS = 3_600_000;

/** Finds the logs that have grown. One look-up per webhook, and one pass over the index of its log if it has grown. */
async function* longLogs(ctx: Context): AsyncGenerator<LongLog> {
  const lately = firstUuidV7(new Date(ctx.now().getTime() - GROWING_MS));
  for (let after = firstUuidV7(new Date(0)); ; ) {
    const { rows } = await ctx.db.execute<{ webhookId: string; oldestKept: string | null }>(sql`
      SELECT webhook.id AS "webhookId", CASE WHEN EXISTS (
        SELECT FROM rowmill.webhook_deliveries WHERE webhook_id = webhook.id AND id > ${lately}
      ) THEN (
        SELECT id FROM rowmill.webhook_deliveries WHERE webhook_id = webhook.id
        ORDER BY id DESC OFFSET ${ctx.config.webhooks.maxDeliveries - 1} LIMIT 1
      ) END AS "oldestKept"
      FROM (SELECT id FROM rowmill.webhooks WHERE id > ${after} ORDER BY id LIMIT ${WEBHOOKS}) AS webhook ORDER BY webhook.id`);
    for (const { webhookId, oldestKept } of rows) {
      if (oldestKept !== null) yield { webhookId, oldestKept };
      after = webhookId;
    }
    if (rows.length < WEBHOOKS) return;
  }
}

/** Skips deliveries that a request is replaying at this moment, so that neither waits for the other. */
async function removeDeliveries(ctx: Context, where: SQL | undefined): Promise<number> {
  for (let removed = 0; ; ) {
    const { rowCount } = await ctx.db.execute(sql`
      DELETE FROM ${webhookDeliveries} WHERE id = ANY(ARRAY(
        SELECT id FROM ${webhookDeliveries} WHERE ${where} ORDER BY id LIMIT ${PAGE} FOR UPDATE SKIP LOCKED
      ))`);
    removed += rowCount ?? 0;
    if ((rowCount ?? 0) < PAGE) return removed;
  }
}

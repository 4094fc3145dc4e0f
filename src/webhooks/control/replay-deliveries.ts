import { and, asc, count, eq, gte, inArray, ne, type SQL, sql } from "drizzle-orm";
import { type Context, inTransaction, requireActor, type Tx } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { webhookDeliveries } from "../../schema/webhooks.ts";
import { enqueueDeliveries } from "../delivery-jobs.ts";
import { TEST_KIND } from "../message.ts";
import { getDelivery, lockOwnWebhook, type Webhook } from "../queries.ts";

/** Deliveries that one request replays at most. */
export const MAX_REPLAYED = 1000;

/**
 * Sends a delivery again that has ended, with the same id and all its retries.
 * @throws DomainError `not_found`; `conflict` if the webhook is disabled, or if the delivery is pending
 */
export function replayDelivery(ctx: Context, webhookId: string, deliveryId: string) {
  const userId = requireActor(ctx).id;
  return inTransaction(ctx, async (tx) => {
    const webhook = await lockOwnWebhook(tx, userId, webhookId);
    const { state } = await getDelivery(tx, webhookId, deliveryId);
    requireEnabled(webhook);
    if (state === "pending")
      throw new DomainError("conflict", "The delivery is pending. It can be replayed once it has ended.");
    await replay(tx, eq(webhookDeliveries.id, deliveryId));
    return getDelivery(tx, webhookId, deliveryId);
  });
}

export interface Replayed {
  readonly replayed: number;
  /** Failed deliveries that match and were not replayed. */
  readonly remaining: number;
}

/**
 * Replays the failed deliveries of events since a time, without tests, oldest first, up to MAX_REPLAYED and WEBHOOK_MAX_WAITING.
 * @throws DomainError `not_found`; `conflict` if the webhook is disabled
 */
export function replayFailed(ctx: Context, webhookId: string, since: Date): Promise<Replayed> {
  const userId = requireActor(ctx).id;
  return inTransaction(ctx, async (tx) => {
    const webhook = await lockOwnWebhook(tx, userId, webhookId);
    requireEnabled(webhook);
    const isOfWebhook = eq(webhookDeliveries.webhookId, webhookId);
    const pending = await tx.db.$count(
      webhookDeliveries,
      and(isOfWebhook, eq(webhookDeliveries.state, "pending")),
    );
    const limit = Math.min(MAX_REPLAYED, Math.max(0, tx.config.webhooks.maxWaiting - pending));
    const matches = and(
      isOfWebhook,
      eq(webhookDeliveries.state, "failed"),
      gte(webhookDeliveries.createdAt, since),
      ne(webhookDeliveries.kind, TEST_KIND),
    );
    const chosen = tx.db
      .select({ id: webhookDeliveries.id })
      .from(webhookDeliveries)
      .where(matches)
      .orderBy(asc(webhookDeliveries.createdAt), asc(webhookDeliveries.id))
      .limit(limit);
    const replayed = await replay(tx, inArray(webhookDeliveries.id, chosen));
    const [left] = await tx.db.select({ count: count() }).from(webhookDeliveries).where(matches);
    return { replayed, remaining: left?.count ?? 0 };
  });
}

async function replay(tx: Tx, where: SQL): Promise<number> {
  const replayed = await tx.db
    .update(webhookDeliveries)
    .set({
      ...{ state: "pending", tries: 0, error: null, endedAt: null, isWaiting: false },
      dueAt: tx.now(),
      run: sql`${webhookDeliveries.run} + 1`,
    })
    .where(where)
    .returning({
      id: webhookDeliveries.id,
      webhookId: webhookDeliveries.webhookId,
      run: webhookDeliveries.run,
    });
  await enqueueDeliveries(tx, replayed);
  return replayed.length;
}

function requireEnabled({ disabledAt }: Webhook): void {
  if (disabledAt === null) return;
  throw new DomainError("conflict", "The webhook is disabled. Enable it first: send `is_enabled: true`.");
}

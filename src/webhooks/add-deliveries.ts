import { and, arrayContains, asc, eq, isNull, sql } from "drizzle-orm";
import type { Tx } from "../context.ts";
import { uuidV7 } from "../platform/ids.ts";
import { users } from "../schema/accounts.ts";
import { webhookDeliveries, webhooks } from "../schema/webhooks.ts";
import { enqueueDeliveries } from "./delivery-jobs.ts";
import { bodyOf, type Message } from "./message.ts";

/**
 * Creates a delivery for each enabled webhook of the user that wants this kind of message, and enqueues them. A second call
 * for the same message creates nothing.
 * @returns the number of new deliveries
 */
export async function addDeliveries(tx: Tx, message: Message & { readonly userId: number }): Promise<number> {
  const { kind, userId } = message;
  const { maxWaiting } = tx.config.webhooks;
  const isFull = sql<boolean>`(SELECT count(*) FROM (SELECT FROM rowmill.webhook_deliveries
    WHERE webhook_id = ${webhooks.id} AND state = 'pending' LIMIT ${maxWaiting}) AS pending) >= ${maxWaiting}`;
  const receivers = await tx.db
    .select({ id: webhooks.id, isFull })
    .from(webhooks)
    .innerJoin(users, eq(users.id, webhooks.userId))
    .where(
      and(
        eq(webhooks.userId, userId),
        isNull(webhooks.disabledAt),
        isNull(users.disabledAt),
        arrayContains(webhooks.events, [kind]),
      ),
    )
    .orderBy(asc(webhooks.id));
  if (receivers.length === 0) return 0;
  const body = bodyOf(tx.config.publicUrl, message);
  const now = tx.now();
  const full = {
    state: "failed" as const,
    error: `The webhook had ${maxWaiting} unfinished deliveries (WEBHOOK_MAX_WAITING). Replay this one later.`,
    endedAt: now,
  };
  const added = await tx.db
    .insert(webhookDeliveries)
    .values(
      receivers.map(({ id: webhookId, isFull }) => ({
        id: uuidV7(now),
        webhookId,
        messageId: message.messageId,
        kind,
        body,
        dueAt: now,
        createdAt: now,
        ...(isFull ? full : {}),
      })),
    )
    .onConflictDoNothing()
    .returning();
  await enqueueDeliveries(
    tx,
    added.filter(({ state }) => state === "pending"),
  );
  return added.length;
}

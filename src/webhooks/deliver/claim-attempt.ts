import { and, eq, isNull, sql } from "drizzle-orm";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import type { Payload } from "../../jobs.ts";
import { Later } from "../../platform/queue/later.ts";
import { users } from "../../schema/accounts.ts";
import { webhookAttempts, webhookDeliveries, webhooks } from "../../schema/webhooks.ts";
import { TEST_KIND } from "../message.ts";
import { type Delivery, lockWebhook, type Webhook } from "../queries.ts";
import { failPending, freeSlots, isHeld } from "../slots.ts";

export interface ClaimedAttempt {
  readonly webhook: Webhook;
  readonly delivery: Delivery;
  /** 1 is the first attempt of the delivery. */
  readonly number: number;
  /** The attempts since the delivery was created or replayed, with this one. */
  readonly tries: number;
}

/** A slot outlives its request by this time, in which the outcome is recorded. */
const MARGIN_SECONDS = 5;
/** Older ones are removed, because a delivery can be replayed again and again. */
const KEPT_ATTEMPTS = 20;

/**
 * Takes one of the slots of the webhook for an attempt. Without a free slot, the delivery waits until it is woken, and its
 * job is done.
 * @returns null if there is nothing to send now; a `Later` if an attempt of a lost worker may still be running
 */
export function claimAttempt(
  ctx: Context,
  work: Payload<"deliverWebhook">,
): Promise<ClaimedAttempt | Later | null> {
  return inTransaction(ctx, async (tx) => {
    const isThis = eq(webhookDeliveries.id, work.deliveryId);
    const owner = tx.db.select({ id: webhookDeliveries.webhookId }).from(webhookDeliveries).where(isThis);
    const webhook = await lockWebhook(tx, sql`${webhooks.id} IN ${owner} AND ${isNull(webhooks.deletedAt)}`);
    if (!webhook) return null;
    const [delivery] = await tx.db.select().from(webhookDeliveries).where(isThis);
    if (!delivery || delivery.run !== work.run || delivery.state !== "pending") return null;
    const now = tx.now();
    const heldSeconds = ((delivery.claimedUntil?.getTime() ?? 0) - now.getTime()) / 1000;
    if (heldSeconds > 0) return new Later(heldSeconds, work);
    if (!(await mayReceive(tx, webhook, delivery))) return null;
    if (isHeld(webhook, delivery, now) || (await freeSlots(tx, webhook)) <= 0) {
      await tx.db.update(webhookDeliveries).set({ isWaiting: true }).where(isThis);
      return null;
    }
    return startAttempt(tx, webhook, delivery);
  });
}

/** A disabled account receives nothing. Tests are for webhooks in any state. */
async function mayReceive(tx: Tx, webhook: Webhook, delivery: Delivery): Promise<boolean> {
  const [owner] = await tx.db
    .select({ disabledAt: users.disabledAt })
    .from(users)
    .where(eq(users.id, webhook.userId));
  if (owner?.disabledAt === null && (webhook.disabledAt === null || delivery.kind === TEST_KIND)) return true;
  const isAccount = owner?.disabledAt !== null;
  await failPending(tx, webhook.id, `Not sent: the ${isAccount ? "account" : "webhook"} is disabled.`);
  return false;
}

async function startAttempt(tx: Tx, webhook: Webhook, delivery: Delivery): Promise<ClaimedAttempt> {
  const now = tx.now();
  const { id } = delivery;
  const number = delivery.attempts + 1;
  const tries = delivery.tries + 1;
  const leaseSeconds = tx.config.webhooks.timeoutSeconds + MARGIN_SECONDS;
  const claimedUntil = new Date(now.getTime() + leaseSeconds * 1000);
  await tx.db
    .update(webhookDeliveries)
    .set({ attempts: number, tries, claimedUntil })
    .where(eq(webhookDeliveries.id, id));
  await tx.db
    .update(webhookAttempts)
    .set({ error: "The worker was lost before it recorded the answer." })
    .where(and(eq(webhookAttempts.deliveryId, id), isNull(webhookAttempts.ms)));
  await tx.db
    .delete(webhookAttempts)
    .where(
      sql`${eq(webhookAttempts.deliveryId, id)} AND ${webhookAttempts.number} <= ${number - KEPT_ATTEMPTS}`,
    );
  await tx.db.insert(webhookAttempts).values({ deliveryId: id, number, startedAt: now });
  return { webhook, delivery, number, tries };
}

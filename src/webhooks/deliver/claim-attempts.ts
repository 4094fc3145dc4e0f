import { and, asc, eq, inArray, isNull, lte, sql } from "drizzle-orm";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import type { Payload } from "../../jobs.ts";
import { Later } from "../../platform/queue/later.ts";
import { users } from "../../schema/accounts.ts";
import { webhookAttempts, webhookDeliveries, webhooks } from "../../schema/webhooks.ts";
import { TEST_KIND } from "../message.ts";
import { type Delivery, lockWebhook, type Webhook } from "../queries.ts";
import { failPending, isHeld, isUnclaimed, readSlots, type Slots } from "../slots.ts";

export interface ClaimedAttempt {
  readonly webhook: Webhook;
  readonly delivery: Delivery;
  /** 1 is the first attempt of the delivery. */
  readonly number: number;
  /** The attempts since the delivery was created or replayed, with this one. */
  readonly tries: number;
  /** Whether the delivery has a job of its own, which is not the one that makes this attempt. */
  readonly hasOtherJob: boolean;
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
    if (heldSeconds > 0) return new Later(heldSeconds, work, { isCounted: false });
    if (!(await mayReceive(tx, webhook, delivery.kind))) return null;
    const slots = await readSlots(tx, webhook);
    if (isHeld(webhook, delivery, now) || slots.free <= 0) {
      await tx.db.update(webhookDeliveries).set({ isWaiting: true }).where(isThis);
      return null;
    }
    await startAttempts(tx, [delivery], slots);
    return claimedOf(webhook, delivery, false);
  });
}

/** Takes a free slot for the deliveries that have been due for longest. The webhook must be locked. */
export async function claimDue(
  tx: Tx,
  webhook: Webhook,
  count: number,
  slots: Slots,
): Promise<ClaimedAttempt[]> {
  if (webhook.disabledAt !== null || !(await mayReceive(tx, webhook, null))) return [];
  const { dueAt, id } = webhookDeliveries;
  const isOfWebhook = eq(webhookDeliveries.webhookId, webhook.id);
  const due = await tx.db
    .select()
    .from(webhookDeliveries)
    .where(
      and(isOfWebhook, sql`${webhookDeliveries.state} = 'pending'`, lte(dueAt, tx.now()), isUnclaimed(tx)),
    )
    .orderBy(asc(dueAt), asc(id))
    .limit(count);
  if (due.length > 0) await startAttempts(tx, due, slots);
  return due.map((delivery) => claimedOf(webhook, delivery, !delivery.isWaiting));
}

/** A disabled account receives nothing. Tests are for webhooks in any state. */
async function mayReceive(tx: Tx, webhook: Webhook, kind: string | null): Promise<boolean> {
  const [owner] = await tx.db
    .select({ disabledAt: users.disabledAt })
    .from(users)
    .where(eq(users.id, webhook.userId));
  if (owner?.disabledAt === null && (webhook.disabledAt === null || kind === TEST_KIND)) return true;
  const isAccount = owner?.disabledAt !== null;
  await failPending(tx, webhook.id, `Not sent: the ${isAccount ? "account" : "webhook"} is disabled.`);
  return false;
}

function claimedOf(webhook: Webhook, delivery: Delivery, hasOtherJob: boolean): ClaimedAttempt {
  const { attempts, tries } = delivery;
  return { webhook, delivery, number: attempts + 1, tries: tries + 1, hasOtherJob };
}

/** The deliveries share one slot. */
async function startAttempts(tx: Tx, deliveries: readonly Delivery[], { taken }: Slots): Promise<void> {
  const startedAt = tx.now();
  const ids = deliveries.map(({ id }) => id);
  const leaseSeconds = tx.config.webhooks.timeoutSeconds + MARGIN_SECONDS;
  let endsAt = startedAt.getTime() + leaseSeconds * 1000;
  // Each slot has a moment of its own, by which it is counted.
  while (taken.some((moment) => moment.getTime() === endsAt)) endsAt++;
  await tx.db
    .update(webhookDeliveries)
    .set({
      attempts: sql`${webhookDeliveries.attempts} + 1`,
      tries: sql`${webhookDeliveries.tries} + 1`,
      claimedUntil: new Date(endsAt),
      isWaiting: false,
    })
    .where(inArray(webhookDeliveries.id, ids));
  const repeated = deliveries.filter(({ attempts }) => attempts > 0);
  for (const { id, attempts } of repeated) await tidyAttempts(tx, id, attempts + 1);
  const started = deliveries.map(({ id, attempts }) => ({ deliveryId: id, number: attempts + 1, startedAt }));
  await tx.db.insert(webhookAttempts).values(started);
}

async function tidyAttempts({ db }: Tx, id: string, number: number): Promise<void> {
  await db
    .update(webhookAttempts)
    .set({ error: "The worker was lost before it recorded the answer." })
    .where(and(eq(webhookAttempts.deliveryId, id), isNull(webhookAttempts.ms)));
  if (number <= KEPT_ATTEMPTS) return;
  await db
    .delete(webhookAttempts)
    .where(
      sql`${eq(webhookAttempts.deliveryId, id)} AND ${webhookAttempts.number} <= ${number - KEPT_ATTEMPTS}`,
    );
}

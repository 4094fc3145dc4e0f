/**
 * Each webhook has two slots for attempts. Deliveries that are due and find no free slot wait in the database, as do those of
 * an endpoint that asked for no requests for a while.
 */
import { and, asc, count, eq, gt, inArray, sql } from "drizzle-orm";
import type { Context, Tx } from "../context.ts";
import { webhookDeliveries } from "../schema/webhooks.ts";
import { enqueueDeliveries } from "./delivery-jobs.ts";
import { TEST_KIND } from "./message.ts";
import type { Delivery, Webhook } from "./queries.ts";

const SLOTS = 2;
/** An endpoint that asks for fewer requests gets one at a time. */
const SLOTS_WHEN_THROTTLED = 1;

/** Returns the slots that no attempt holds. The webhook must be locked. */
export async function freeSlots(ctx: Context, { id, isThrottled }: Webhook): Promise<number> {
  const [held] = await ctx.db
    .select({ count: count() })
    .from(webhookDeliveries)
    .where(and(eq(webhookDeliveries.webhookId, id), gt(webhookDeliveries.claimedUntil, ctx.now())));
  return (isThrottled ? SLOTS_WHEN_THROTTLED : SLOTS) - (held?.count ?? 0);
}

/**
 * Whether a delivery must wait because its endpoint asked for no requests. The one that was asked is due when the time has
 * passed; it may be sent even if the clocks of two workers differ.
 */
export function isHeld({ heldUntil }: Webhook, { dueAt, kind }: Delivery, now: Date): boolean {
  // The owner wants to see the answer to a test now.
  return heldUntil !== null && now < heldUntil && dueAt < heldUntil && kind !== TEST_KIND;
}

/** Enqueues the deliveries that have waited longest, one per free slot. The webhook must be locked. */
export async function wakeWaiting(tx: Tx, webhook: Webhook): Promise<number> {
  if (webhook.heldUntil !== null && tx.now() < webhook.heldUntil) return 0;
  const free = await freeSlots(tx, webhook);
  if (free <= 0) return 0;
  const first = tx.db
    .select({ id: webhookDeliveries.id })
    .from(webhookDeliveries)
    .where(and(eq(webhookDeliveries.webhookId, webhook.id), eq(webhookDeliveries.isWaiting, true)))
    .orderBy(asc(webhookDeliveries.dueAt), asc(webhookDeliveries.id))
    .limit(free);
  const woken = await tx.db
    .update(webhookDeliveries)
    .set({ isWaiting: false, run: sql`${webhookDeliveries.run} + 1` })
    .where(inArray(webhookDeliveries.id, first))
    .returning();
  await enqueueDeliveries(tx, woken);
  return woken.length;
}

/** Ends all unfinished deliveries of a webhook, which must be locked. Attempts that run keep their slots. */
export async function failPending(tx: Tx, webhookId: string, error: string): Promise<void> {
  await tx.db
    .update(webhookDeliveries)
    .set({ state: "failed", error, endedAt: tx.now(), isWaiting: false })
    .where(and(eq(webhookDeliveries.webhookId, webhookId), eq(webhookDeliveries.state, "pending")));
}

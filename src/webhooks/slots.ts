/** Each webhook has two slots for attempts. Deliveries that are due and find no free slot wait in the database. */
import { and, asc, count, eq, gt, inArray, sql } from "drizzle-orm";
import type { Context, Tx } from "../context.ts";
import { webhookDeliveries } from "../schema/webhooks.ts";
import { enqueueDeliveries } from "./delivery-jobs.ts";
import type { Webhook } from "./queries.ts";

const SLOTS = 2;
/** An endpoint that asks for fewer requests gets one at a time. */
const SLOTS_WHEN_THROTTLED = 1;

/** Returns the slots that no attempt holds. The webhook must be locked. */
export async function freeSlots(
  ctx: Context,
  { id, isThrottled }: Pick<Webhook, "id" | "isThrottled">,
): Promise<number> {
  const [held] = await ctx.db
    .select({ count: count() })
    .from(webhookDeliveries)
    .where(and(eq(webhookDeliveries.webhookId, id), gt(webhookDeliveries.claimedUntil, ctx.now())));
  return (isThrottled ? SLOTS_WHEN_THROTTLED : SLOTS) - (held?.count ?? 0);
}

/** Enqueues the deliveries that have waited longest, one per free slot. The webhook must be locked. */
export async function wakeWaiting(tx: Tx, webhook: Pick<Webhook, "id" | "isThrottled">): Promise<number> {
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

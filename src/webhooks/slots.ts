/**
 * Each webhook has two slots, each of which sends one message after the other. Deliveries that are due and find no free slot
 * wait in the database, as do those of an endpoint that asked for no requests for a while.
 */
import { and, asc, eq, gt, inArray, isNull, lte, or, sql } from "drizzle-orm";
import type { Context, Tx } from "../context.ts";
import { webhookDeliveries } from "../schema/webhooks.ts";
import { enqueueDeliveries } from "./delivery-jobs.ts";
import { TEST_KIND } from "./message.ts";
import type { Delivery, Webhook } from "./queries.ts";

const SLOTS = 2;
/** An endpoint that asks for fewer requests gets one at a time. */
const SLOTS_WHEN_THROTTLED = 1;

export interface Slots {
  /** The slots that no attempt holds. Below zero if the endpoint has asked for fewer requests meanwhile. */
  readonly free: number;
  /** When the other slots end. The deliveries of a slot, which are sent one after the other, have the same moment. */
  readonly taken: readonly Date[];
}

/** The webhook must be locked. */
export async function readSlots(ctx: Context, { id, isThrottled }: Webhook): Promise<Slots> {
  const held = await ctx.db
    .selectDistinct({ endsAt: webhookDeliveries.claimedUntil })
    .from(webhookDeliveries)
    .where(and(eq(webhookDeliveries.webhookId, id), gt(webhookDeliveries.claimedUntil, ctx.now())));
  const taken = held.flatMap(({ endsAt }) => endsAt ?? []);
  return { free: (isThrottled ? SLOTS_WHEN_THROTTLED : SLOTS) - taken.length, taken };
}

/**
 * Whether a delivery must wait because its endpoint asked for no requests. The one that was asked is due when the time has
 * passed; it may be sent even if the clocks of two workers differ.
 */
export function isHeld({ heldUntil }: Webhook, { dueAt, kind }: Delivery, now: Date): boolean {
  // The owner wants to see the answer to a test now.
  return heldUntil !== null && now < heldUntil && dueAt < heldUntil && kind !== TEST_KIND;
}

/** The condition that no slot holds a delivery. */
export const isUnclaimed = ({ now }: Context) =>
  or(isNull(webhookDeliveries.claimedUntil), lte(webhookDeliveries.claimedUntil, now()));

/** Whether the endpoint has asked for no requests, and its time has not passed. */
export function isQuiet({ heldUntil }: Webhook, now: Date): boolean {
  return heldUntil !== null && now < heldUntil;
}

/** Enqueues the deliveries that have waited longest, one per free slot. The webhook must be locked. */
export async function wakeWaiting(tx: Tx, webhook: Webhook): Promise<number> {
  if (isQuiet(webhook, tx.now())) return 0;
  const { free } = await readSlots(tx, webhook);
  return wakeFirst(tx, webhook, free);
}

/** The webhook must be locked. */
export async function wakeFirst(tx: Tx, { id }: Webhook, count: number): Promise<number> {
  if (count <= 0) return 0;
  const first = tx.db
    .select({ id: webhookDeliveries.id })
    .from(webhookDeliveries)
    .where(and(eq(webhookDeliveries.webhookId, id), eq(webhookDeliveries.isWaiting, true)))
    .orderBy(asc(webhookDeliveries.dueAt), asc(webhookDeliveries.id))
    .limit(count);
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

/** Enqueues deliveries again whose job was lost, and wakes those that wait although a slot is free. */
import { and, asc, eq, gt, isNull, lt, sql } from "drizzle-orm";
import { type Context, inTransaction } from "../../context.ts";
import { jobs } from "../../jobs.ts";
import { webhookDeliveries, webhooks } from "../../schema/webhooks.ts";
import { type DeliveryRun, deliveryJobId, enqueueDeliveries } from "../delivery-jobs.ts";
import { lockWebhook } from "../queries.ts";
import { isUnclaimed, wakeWaiting } from "../slots.ts";

/** A delivery and its job commit together, so a job that is still missing after this time is lost. */
const LOST_JOB_SECONDS = 30;
const PAGE = 1000;

export interface ReconciledDeliveries {
  readonly deliveriesRequeued: number;
  readonly deliveriesWoken: number;
}

/** Runs every minute. Safe to run at any time and concurrently. */
export async function reconcileDeliveries(ctx: Context): Promise<ReconciledDeliveries> {
  let deliveriesRequeued = 0;
  for await (const page of dueDeliveries(ctx)) {
    const ids = page.map(deliveryJobId);
    const live = await ctx.queue.live(ctx.db, jobs.deliverWebhook, ids);
    const givenUp = await ctx.queue.givenUp(ctx.db, jobs.deliverWebhook, ids);
    for (const delivery of page.filter((each) => !live.has(deliveryJobId(each)))) {
      const isGivenUp = givenUp.has(deliveryJobId(delivery));
      if (!(await repair(ctx, delivery, isGivenUp))) continue;
      ctx.log.warn(
        { deliveryId: delivery.id },
        isGivenUp
          ? "webhook delivery failed: its job was given up"
          : "webhook delivery enqueued again: its job was lost",
      );
      deliveriesRequeued++;
    }
  }
  return { deliveriesRequeued, deliveriesWoken: await wakeAll(ctx) };
}

const columns = {
  id: webhookDeliveries.id,
  webhookId: webhookDeliveries.webhookId,
  run: webhookDeliveries.run,
};

/** Those of a deleted webhook are about to be removed. */
const isOfWebhook = sql`EXISTS (SELECT FROM ${webhooks} WHERE ${webhooks.id} = ${webhookDeliveries.webhookId} AND ${isNull(webhooks.deletedAt)})`;

const isDue = and(eq(webhookDeliveries.state, "pending"), eq(webhookDeliveries.isWaiting, false));

async function* dueDeliveries(ctx: Context): AsyncGenerator<DeliveryRun[]> {
  const dueBefore = new Date(ctx.now().getTime() - LOST_JOB_SECONDS * 1000);
  // The job of another delivery can make the attempt: it takes what is due in its slot.
  const isOverdue = and(isDue, isUnclaimed(ctx), isOfWebhook, lt(webhookDeliveries.dueAt, dueBefore));
  let after = "00000000-0000-0000-0000-000000000000";
  for (;;) {
    const page = await ctx.db
      .select(columns)
      .from(webhookDeliveries)
      .where(and(isOverdue, gt(webhookDeliveries.id, after)))
      .orderBy(asc(webhookDeliveries.id))
      .limit(PAGE);
    const last = page.at(-1);
    if (!last) return;
    yield page;
    after = last.id;
  }
}

/** @returns false if the delivery changed since it was read */
function repair(ctx: Context, { id, webhookId, run }: DeliveryRun, isGivenUp: boolean): Promise<boolean> {
  return inTransaction(ctx, async (tx) => {
    await lockWebhook(tx, eq(webhooks.id, webhookId));
    const failed = {
      state: "failed" as const,
      error: "Rowmill could not send the message. See the logs of the workers.",
      endedAt: tx.now(),
    };
    const changes = isGivenUp ? failed : { run: run + 1, dueAt: tx.now() };
    const changed = await tx.db
      .update(webhookDeliveries)
      .set(changes)
      .where(and(eq(webhookDeliveries.id, id), eq(webhookDeliveries.run, run), isDue, isUnclaimed(tx)))
      .returning(columns);
    if (!isGivenUp) await enqueueDeliveries(tx, changed);
    return changed.length > 0;
  });
}

async function wakeAll(ctx: Context): Promise<number> {
  const waiting = await ctx.db
    .selectDistinct({ id: webhookDeliveries.webhookId })
    .from(webhookDeliveries)
    .where(eq(webhookDeliveries.isWaiting, true));
  let woken = 0;
  for (const { id } of waiting) {
    woken += await inTransaction(ctx, async (tx) => {
      const webhook = await lockWebhook(tx, eq(webhooks.id, id));
      return webhook ? wakeWaiting(tx, webhook) : 0;
    });
  }
  return woken;
}

import { setTimeout as sleep } from "node:timers/promises";
import { and, eq } from "drizzle-orm";
import { type Context, inTransaction, requireActor } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { uuidV7 } from "../../platform/ids.ts";
import { webhookDeliveries } from "../../schema/webhooks.ts";
import { enqueueDeliveries } from "../delivery-jobs.ts";
import { bodyOf, TEST_KIND } from "../message.ts";
import { getDelivery, lockOwnWebhook } from "../queries.ts";

const POLL_MS = 200;
/** Time for a worker to take the job, beyond the time for the request. */
const WORKER_SECONDS = 5;

/**
 * Sends a message to try the webhook, also if it is disabled, and waits for the answer. There is one attempt.
 * @returns the delivery, which is still pending if no worker was free in time
 * @throws DomainError `not_found`; `conflict` if the previous test has not ended
 */
export async function testWebhook(ctx: Context, webhookId: string) {
  const deliveryId = await addTest(ctx, webhookId);
  const endsAt = performance.now() + (ctx.config.webhooks.timeoutSeconds + WORKER_SECONDS) * 1000;
  for (;;) {
    const delivery = await getDelivery(ctx, webhookId, deliveryId);
    if (delivery.state !== "pending" || performance.now() > endsAt) return delivery;
    await sleep(POLL_MS);
  }
}

function addTest(ctx: Context, webhookId: string): Promise<string> {
  const userId = requireActor(ctx).id;
  return inTransaction(ctx, async (tx) => {
    await lockOwnWebhook(tx, userId, webhookId);
    const isOpenTest = and(
      eq(webhookDeliveries.webhookId, webhookId),
      eq(webhookDeliveries.state, "pending"),
      eq(webhookDeliveries.kind, TEST_KIND),
    );
    if ((await tx.db.$count(webhookDeliveries, isOpenTest)) > 0)
      throw new DomainError(
        "conflict",
        "The previous test of this webhook has not ended. Try again after it has.",
      );
    const now = tx.now();
    const message = {
      messageId: uuidV7(now),
      kind: TEST_KIND,
      occurredAt: now,
      sequence: 1,
      data: { webhook_id: webhookId },
    } as const;
    const id = uuidV7(now);
    const { messageId } = message;
    const body = bodyOf(tx.config.publicUrl, message);
    await tx.db
      .insert(webhookDeliveries)
      .values({ ...{ id, webhookId, messageId, kind: TEST_KIND, body }, dueAt: now, createdAt: now });
    await enqueueDeliveries(tx, [{ id, webhookId, run: 1 }]);
    return id;
  });
}

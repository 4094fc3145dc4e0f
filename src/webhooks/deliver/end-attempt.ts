import { and, eq } from "drizzle-orm";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { type DeliveryState, webhookAttempts, webhookDeliveries, webhooks } from "../../schema/webhooks.ts";
import { enqueueDeliveries } from "../delivery-jobs.ts";
import { type DisabledReason, disableWebhook } from "../disable-webhook.ts";
import { TEST_KIND } from "../message.ts";
import { type Delivery, lockWebhook, type Webhook } from "../queries.ts";
import { wakeWaiting } from "../slots.ts";
import type { ClaimedAttempt } from "./claim-attempt.ts";
import { GONE, type NextStep, nextStep, type Outcome } from "./outcome.ts";

const DAY_MS = 86_400_000;
/** An endpoint is disabled if nothing succeeded for 3 days, and 10 attempts failed over at least a day. */
const FAILING = { withoutSuccessMs: 3 * DAY_MS, failures: 10, overMs: DAY_MS };

/**
 * Records how an attempt ended, with its consequences: the next attempt, the state of the webhook, and a free slot.
 * @returns the state of the delivery; null if the webhook was deleted, or if another attempt has started meanwhile
 */
export function endAttempt(
  ctx: Context,
  { webhook: { id }, delivery: { run, id: deliveryId }, number, tries }: ClaimedAttempt,
  outcome: Outcome,
): Promise<DeliveryState | null> {
  return inTransaction(ctx, async (tx) => {
    const webhook = await lockWebhook(tx, eq(webhooks.id, id));
    const [delivery] = await tx.db
      .select()
      .from(webhookDeliveries)
      .where(eq(webhookDeliveries.id, deliveryId));
    if (!webhook || delivery?.attempts !== number) return null;
    const { ms, status, error, answer } = outcome;
    await tx.db
      .update(webhookAttempts)
      .set({ ms, status, error, answer })
      .where(and(eq(webhookAttempts.deliveryId, deliveryId), eq(webhookAttempts.number, number)));
    const isTest = delivery.kind === TEST_KIND;
    const step = nextStep(outcome, tries, isTest ? [] : tx.config.webhooks.retrySeconds);
    const state = await endDelivery(tx, delivery, delivery.run === run ? step : null);
    const changed = isTest ? webhook : await recordHealth(tx, webhook, outcome);
    const reason = isTest || webhook.disabledAt ? null : reasonToDisable(changed, outcome, tx.now());
    if (reason) await disableWebhook(tx, changed, reason);
    else await wakeWaiting(tx, changed);
    return state;
  });
}

/** @param step null if the delivery was replayed meanwhile: only its slot becomes free */
async function endDelivery(tx: Tx, delivery: Delivery, step: NextStep | null): Promise<DeliveryState> {
  const { id, webhookId, run, state } = delivery;
  const isOpen = state === "pending";
  const set = (changes: Partial<Delivery>) =>
    tx.db
      .update(webhookDeliveries)
      .set({ claimedUntil: null, ...changes })
      .where(eq(webhookDeliveries.id, id));
  if (step?.kind === "delivered") {
    await set({ state: "delivered", error: null, endedAt: tx.now() });
    return "delivered";
  }
  // The webhook was disabled meanwhile, or the delivery replayed.
  if (step === null || !isOpen) {
    await set({});
    return state;
  }
  if (step.kind === "failed") {
    await set({ state: "failed", error: step.error, endedAt: tx.now() });
    return "failed";
  }
  await set({ run: run + 1, dueAt: new Date(tx.now().getTime() + step.afterSeconds * 1000) });
  await enqueueDeliveries(tx, [{ id, webhookId, run: run + 1 }], step.afterSeconds);
  return "pending";
}

async function recordHealth(tx: Tx, webhook: Webhook, outcome: Outcome): Promise<Webhook> {
  const now = tx.now();
  const healthy = {
    failures: 0,
    failingSince: null,
    isThrottled: false,
    lastSuccessAt: now,
    workingAt: now,
  };
  const failing = {
    failures: webhook.failures + 1,
    failingSince: webhook.failingSince ?? now,
    isThrottled: webhook.isThrottled || outcome.isOverloaded,
  };
  const changes = outcome.error === null ? healthy : failing;
  await tx.db.update(webhooks).set(changes).where(eq(webhooks.id, webhook.id));
  return { ...webhook, ...changes };
}

function reasonToDisable(
  { workingAt, failures, failingSince }: Webhook,
  { status }: Outcome,
  now: Date,
): DisabledReason | null {
  if (status === GONE) return "gone";
  if (failures < FAILING.failures || failingSince === null) return null;
  const isOver = (since: Date, ms: number) => now.getTime() - since.getTime() >= ms;
  return isOver(workingAt, FAILING.withoutSuccessMs) && isOver(failingSince, FAILING.overMs)
    ? "failing"
    : null;
}

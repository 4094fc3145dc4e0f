import { and, eq, sql } from "drizzle-orm";
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
/** A webhook is disabled after this many failed attempts without a success, if the first of them is this old. */
const FAILING = { failures: 10, ms: 3 * DAY_MS };

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
    if (answer) await forgetAnswersBetween(tx, deliveryId, number);
    const isTest = delivery.kind === TEST_KIND;
    const step = nextStep(outcome, tries, isTest ? [] : tx.config.webhooks.retrySeconds);
    const state = await endDelivery(tx, delivery, delivery.run === run ? step : null);
    const isCounted = !isTest && step.kind !== "repeat";
    const changed = isCounted ? await recordHealth(tx, webhook, outcome) : webhook;
    const reason = isCounted && !webhook.disabledAt ? reasonToDisable(changed, outcome, tx.now()) : null;
    if (reason) await disableWebhook(tx, changed, reason);
    else await wakeWaiting(tx, changed);
    return state;
  });
}

/** The log keeps the first answer, which often names the cause, and the last one: each has up to 4 kB. */
async function forgetAnswersBetween({ db }: Tx, deliveryId: string, number: number): Promise<void> {
  await db.execute(sql`
    UPDATE rowmill.webhook_attempts SET answer = NULL
    WHERE delivery_id = ${deliveryId} AND answer <> '' AND number < ${number}
      AND number > (SELECT min(number) FROM rowmill.webhook_attempts WHERE delivery_id = ${deliveryId} AND answer <> '')`);
}

/** @param step null if the delivery was replayed meanwhile: only its slot becomes free */
async function endDelivery(tx: Tx, delivery: Delivery, step: NextStep | null): Promise<DeliveryState> {
  const { id, webhookId, run, state, tries } = delivery;
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
  const isRepeated = step.kind === "repeat";
  const afterSeconds = isRepeated ? 0 : step.afterSeconds;
  const dueAt = secondsAfter(tx.now(), afterSeconds);
  await set({ run: run + 1, dueAt, tries: isRepeated ? tries - 1 : tries });
  await enqueueDeliveries(tx, [{ id, webhookId, run: run + 1 }], afterSeconds);
  return "pending";
}

async function recordHealth(tx: Tx, webhook: Webhook, outcome: Outcome): Promise<Webhook> {
  const now = tx.now();
  const { error, isOverloaded, retryAfterSeconds } = outcome;
  const healthy = { failures: 0, failingSince: null, isThrottled: false, lastSuccessAt: now };
  const failing = {
    failures: webhook.failures + 1,
    failingSince: webhook.failingSince ?? now,
    isThrottled: webhook.isThrottled || isOverloaded,
    heldUntil: retryAfterSeconds === null ? webhook.heldUntil : secondsAfter(now, retryAfterSeconds),
  };
  const changes = error === null ? healthy : failing;
  await tx.db.update(webhooks).set(changes).where(eq(webhooks.id, webhook.id));
  return { ...webhook, ...changes };
}

function reasonToDisable(
  { failures, failingSince }: Webhook,
  { status }: Outcome,
  now: Date,
): DisabledReason | null {
  if (status === GONE) return "gone";
  if (failures < FAILING.failures || failingSince === null) return null;
  return now.getTime() - failingSince.getTime() >= FAILING.ms ? "failing" : null;
}

function secondsAfter(moment: Date, seconds: number): Date {
  return new Date(moment.getTime() + seconds * 1000);
}

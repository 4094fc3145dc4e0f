import { eq, inArray, sql } from "drizzle-orm";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { jobs } from "../../jobs.ts";
import { type DeliveryState, webhookDeliveries, webhooks } from "../../schema/webhooks.ts";
import { deliveryJobId, enqueueDeliveries } from "../delivery-jobs.ts";
import { disableWebhook } from "../disable-webhook.ts";
import { TEST_KIND } from "../message.ts";
import { lockWebhook, type Webhook } from "../queries.ts";
import { isQuiet, readSlots, wakeFirst } from "../slots.ts";
import { type ClaimedAttempt, claimDue } from "./claim-attempts.ts";
import { healthAfter, reasonToDisable } from "./health.ts";
import { type NextStep, nextStep, type Outcome } from "./outcome.ts";

export interface EndedAttempt {
  readonly claimed: ClaimedAttempt;
  readonly outcome: Outcome;
}

/** The messages of one slot, and those that it sends next. */
export interface SlotWork {
  readonly webhookId: string;
  readonly ended: readonly EndedAttempt[];
  /** Claimed, but not sent. These attempts do not count. */
  readonly unsent: readonly ClaimedAttempt[];
  /** How many deliveries the slot takes next. */
  readonly next: number;
}

interface SlotResult {
  /** A delivery is missing if it was deleted, or if another attempt has started meanwhile. */
  readonly states: ReadonlyMap<string, DeliveryState>;
  readonly claimed: readonly ClaimedAttempt[];
}

/**
 * Records how attempts ended, with the consequences: the next attempts, the state of the webhook, and the next deliveries
 * of the slot.
 */
export function endAttempts(ctx: Context, { webhookId, ended, unsent, next }: SlotWork): Promise<SlotResult> {
  return inTransaction(ctx, async (tx) => {
    const webhook = await lockWebhook(tx, eq(webhooks.id, webhookId));
    if (!webhook) return { states: new Map(), claimed: [] };
    const all = [...ended.map(({ claimed }) => claimed), ...unsent];
    const current = await readCurrent(tx, all);
    const isCurrent = ({ delivery }: ClaimedAttempt) => current.has(delivery.id);
    const counted = ended.filter(({ claimed }) => isCurrent(claimed));
    await recordAnswers(tx, counted);
    const states = await endDeliveries(tx, counted, current);
    await release(tx, unsent.filter(isCurrent));
    await removeOtherJobs(tx, all.filter(isCurrent));
    const changed = await recordHealth(tx, webhook, counted);
    return { states, claimed: await continueWith(tx, changed, next) };
  });
}

type Current = Pick<ClaimedAttempt["delivery"], "id" | "run" | "state" | "tries" | "attempts">;

/** Returns the deliveries of which no other attempt has started. */
async function readCurrent(
  { db }: Tx,
  claimed: readonly ClaimedAttempt[],
): Promise<ReadonlyMap<string, Current>> {
  const { id, run, state, tries, attempts } = webhookDeliveries;
  const ids = claimed.map(({ delivery }) => delivery.id);
  const rows = await db
    .select({ id, run, state, tries, attempts })
    .from(webhookDeliveries)
    .where(inArray(id, ids));
  const numbers = new Map(claimed.map(({ delivery, number }) => [delivery.id, number]));
  return new Map(rows.filter((row) => row.attempts === numbers.get(row.id)).map((row) => [row.id, row]));
}

async function recordAnswers(tx: Tx, ended: readonly EndedAttempt[]): Promise<void> {
  if (ended.length === 0) return;
  const column = <T>(of: (attempt: EndedAttempt) => T) => sql.param(ended.map(of));
  await tx.db.execute(sql`
    UPDATE rowmill.webhook_attempts SET ms = given.ms, status = given.status, error = given.error, answer = given.answer
    FROM unnest(${column(({ claimed }) => claimed.delivery.id)}::uuid[], ${column(({ claimed }) => claimed.number)}::int[],
      ${column(({ outcome }) => outcome.ms)}::int[], ${column(({ outcome }) => outcome.status)}::int[],
      ${column(({ outcome }) => outcome.error)}::text[], ${column(({ outcome }) => outcome.answer)}::text[])
      AS given (id, number, ms, status, error, answer)
    WHERE delivery_id = given.id AND webhook_attempts.number = given.number`);
  for (const { claimed, outcome } of ended)
    if (outcome.answer && claimed.number > 2)
      await forgetAnswersBetween(tx, claimed.delivery.id, claimed.number);
}

/** The log keeps the first answer, which often names the cause, and the last one: each has up to 4 kB. */
async function forgetAnswersBetween({ db }: Tx, deliveryId: string, number: number): Promise<void> {
  await db.execute(sql`
    UPDATE rowmill.webhook_attempts SET answer = NULL
    WHERE delivery_id = ${deliveryId} AND answer <> '' AND number < ${number}
      AND number > (SELECT min(number) FROM rowmill.webhook_attempts WHERE delivery_id = ${deliveryId} AND answer <> '')`);
}

async function endDeliveries(
  tx: Tx,
  ended: readonly EndedAttempt[],
  current: ReadonlyMap<string, Current>,
): Promise<ReadonlyMap<string, DeliveryState>> {
  const states = new Map<string, DeliveryState>();
  const delivered: string[] = [];
  for (const { claimed, outcome } of ended) {
    const { id, run, kind } = claimed.delivery;
    const now = current.get(id);
    if (!now) continue;
    const step = nextStep(outcome, claimed.tries, kind === TEST_KIND ? [] : tx.config.webhooks.retrySeconds);
    const isReplayed = now.run !== run;
    if (step.kind === "delivered" && !isReplayed) delivered.push(id);
    else states.set(id, await endUnaccepted(tx, now, claimed, isReplayed ? null : step));
  }
  if (delivered.length > 0)
    await change(tx, delivered, { state: "delivered", error: null, endedAt: tx.now() });
  for (const id of delivered) states.set(id, "delivered");
  return states;
}

/** The delivery has ended, waits or has the job of its next run. */
async function removeOtherJobs(tx: Tx, claimed: readonly ClaimedAttempt[]): Promise<void> {
  const others = claimed.filter(({ hasOtherJob }) => hasOtherJob);
  const ids = others.map(({ delivery }) => deliveryJobId(delivery));
  await tx.queue.remove(tx.db, jobs.deliverWebhook, ids);
}

/** @param step null if the delivery was replayed meanwhile: only its slot becomes free */
async function endUnaccepted(
  tx: Tx,
  { id, run, state, tries }: Current,
  { webhook }: ClaimedAttempt,
  step: NextStep | null,
): Promise<DeliveryState> {
  // The webhook was disabled meanwhile, or the delivery replayed.
  if (step === null || step.kind === "delivered" || state !== "pending") {
    await change(tx, [id], {});
    return state;
  }
  if (step.kind === "failed") {
    await change(tx, [id], { state: "failed", error: step.error, endedAt: tx.now() });
    return "failed";
  }
  const isRepeated = step.kind === "repeat";
  const afterSeconds = isRepeated ? 0 : step.afterSeconds;
  const dueAt = new Date(tx.now().getTime() + afterSeconds * 1000);
  await change(tx, [id], { run: run + 1, dueAt, tries: isRepeated ? tries - 1 : tries });
  await enqueueDeliveries(tx, [{ id, webhookId: webhook.id, run: run + 1 }], afterSeconds);
  return "pending";
}

async function change(
  { db }: Tx,
  ids: readonly string[],
  changes: Partial<ClaimedAttempt["delivery"]>,
): Promise<void> {
  await db
    .update(webhookDeliveries)
    .set({ claimedUntil: null, ...changes })
    .where(inArray(webhookDeliveries.id, [...ids]));
}

/**
 * Removes attempts that have not started. Their deliveries wait for a slot, in a new run: a worker may just have fetched the
 * job that is removed.
 */
async function release({ db }: Tx, unsent: readonly ClaimedAttempt[]): Promise<void> {
  if (unsent.length === 0) return;
  const ids = sql.param(unsent.map(({ delivery }) => delivery.id));
  const runs = sql.param(unsent.map(({ delivery }) => delivery.run));
  const numbers = sql.param(unsent.map(({ number }) => number));
  await db.execute(sql`
    DELETE FROM rowmill.webhook_attempts USING unnest(${ids}::uuid[], ${numbers}::int[]) AS given (id, number)
    WHERE delivery_id = given.id AND webhook_attempts.number = given.number`);
  await db.execute(sql`
    UPDATE rowmill.webhook_deliveries SET claimed_until = NULL, attempts = attempts - 1,
      tries = CASE WHEN run = given_run THEN tries - 1 ELSE tries END,
      run = CASE WHEN run = given_run THEN run + 1 ELSE run END, is_waiting = (state = 'pending' AND run = given_run)
    FROM unnest(${ids}::uuid[], ${runs}::int[]) AS given (given_id, given_run) WHERE id = given_id`);
}

/** Tests do not count, nor do attempts that the stop of a worker has interrupted. */
async function recordHealth(tx: Tx, webhook: Webhook, ended: readonly EndedAttempt[]): Promise<Webhook> {
  const now = tx.now();
  const counted = ended.filter(
    ({ claimed, outcome }) => claimed.delivery.kind !== TEST_KIND && !outcome.isInterrupted,
  );
  const last = counted.at(-1);
  if (!last) return webhook;
  let health: Partial<Webhook> = {};
  for (const { outcome } of counted)
    health = { ...health, ...healthAfter({ ...webhook, ...health }, outcome, now) };
  await tx.db.update(webhooks).set(health).where(eq(webhooks.id, webhook.id));
  const changed = { ...webhook, ...health };
  const reason = webhook.disabledAt === null ? reasonToDisable(changed, last.outcome, now) : null;
  if (reason === null) return changed;
  await disableWebhook(tx, changed, reason);
  return { ...changed, disabledAt: now };
}

/** Takes the next deliveries for the slot, and wakes others for further free slots. */
async function continueWith(tx: Tx, webhook: Webhook, next: number): Promise<ClaimedAttempt[]> {
  if (isQuiet(webhook, tx.now())) return [];
  const slots = await readSlots(tx, webhook);
  const claimed = next > 0 && slots.free > 0 ? await claimDue(tx, webhook, next, slots) : [];
  await wakeFirst(tx, webhook, slots.free - Math.min(1, claimed.length));
  return claimed;
}

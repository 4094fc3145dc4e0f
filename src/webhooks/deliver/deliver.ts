import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../../context.ts";
import type { Payload } from "../../jobs.ts";
import { KeptConnection } from "../../platform/http-client/kept-connection.ts";
import type { Delivery } from "../../platform/queue/delivery.ts";
import { Later } from "../../platform/queue/later.ts";
import type { DeliveryState } from "../../schema/webhooks.ts";
import { ChangedWebhooks } from "../changed-webhooks.ts";
import { type ClaimedAttempt, claimAttempt } from "./claim-attempts.ts";
import { type EndedAttempt, endAttempts, type SlotWork } from "./end-attempts.ts";
import type { Outcome } from "./outcome.ts";
import { sendMessage } from "./send-message.ts";

/** After this time, the place is for other webhooks. */
const TURN_MS = 500;
/** The time that the messages which are claimed together are expected to take. */
const SET_MS = 100;
/** A message with its answer takes less than 30 kB. */
const MAX_SET = 20;

/**
 * Makes an attempt at a delivery. If it succeeds, the slot sends further messages of the webhook that are due, over the same
 * connection. If the process ends after the receiver has accepted messages and before that is recorded, they are sent again,
 * with the same ids.
 * @returns the state of the first delivery
 */
export async function deliver(
  ctx: Context,
  work: Payload<"deliverWebhook">,
  { signal }: Delivery,
): Promise<object | Later | undefined> {
  using changed = new ChangedWebhooks(ctx);
  const first = await claimAttempt(ctx, work);
  if (first === null) return undefined;
  if (first instanceof Later) return first;
  await using connection = new KeptConnection(ctx.config.egress);
  const endsAt = performance.now() + TURN_MS;
  let state: DeliveryState | null = null;
  for (let set: readonly ClaimedAttempt[] = [first]; set.length > 0; ) {
    const sent = await sendSet(ctx, connection, set, changed, signal);
    // The next set is claimed with the webhook as it is then.
    changed.clear();
    const mayContinue = !signal.aborted && performance.now() < endsAt;
    const { states, claimed } = await record(ctx, { ...sent, next: mayContinue ? sent.next : 0 });
    state ??= states.get(work.deliveryId) ?? null;
    set = claimed;
  }
  return { state };
}

/**
 * Sends messages one after the other, until one is not accepted, they take longer than expected, or the webhook changes.
 * @returns what is not recorded yet. `next`: how many messages the endpoint accepts in the time of a set
 */
async function sendSet(
  ctx: Context,
  connection: KeptConnection,
  set: readonly ClaimedAttempt[],
  changed: ChangedWebhooks,
  signal: AbortSignal,
): Promise<SlotWork> {
  const webhookId = set[0]?.webhook.id ?? "";
  const startedAt = performance.now();
  const leftMs = () => SET_MS - (performance.now() - startedAt);
  let unsent = set;
  let ended: EndedAttempt[] = [];
  let sent = 0;
  let isAccepted = true;
  const mayContinue = () => isAccepted && leftMs() > 0 && !changed.mayHave(webhookId);
  while (sent === 0 || mayContinue()) {
    const [claimed, ...others] = unsent;
    if (!claimed) break;
    unsent = others;
    const sending = sendMessage(ctx, connection, claimed, signal);
    if (ended.length + unsent.length > 0 && !(await endsWithin(sending, leftMs()))) {
      // A slow answer delays no other message.
      await record(ctx, { webhookId, ended, unsent, next: 0 });
      ended = [];
      unsent = [];
    }
    const outcome = await sending;
    ended.push({ claimed, outcome });
    isAccepted = outcome.error === null;
    sent++;
  }
  const msEach = (SET_MS - leftMs()) / sent;
  const next = Math.min(MAX_SET, 2 * sent, Math.max(1, Math.floor(SET_MS / msEach)));
  return { webhookId, ended, unsent, next: isAccepted ? next : 0 };
}

async function endsWithin(sending: Promise<Outcome>, ms: number): Promise<boolean> {
  const waiting = new AbortController();
  const late = sleep(Math.max(0, ms), false, { signal: waiting.signal }).catch(() => false);
  const isEnded = await Promise.race([sending.then(() => true), late]);
  waiting.abort();
  return isEnded;
}

async function record(ctx: Context, work: SlotWork): ReturnType<typeof endAttempts> {
  const result = await endAttempts(ctx, work);
  for (const { claimed, outcome } of work.ended)
    report(ctx, claimed, outcome, result.states.get(claimed.delivery.id) ?? null);
  return result;
}

function report(
  ctx: Context,
  { webhook, delivery, number }: ClaimedAttempt,
  { ms, status, error }: Outcome,
  state: DeliveryState | null,
): void {
  const isFinal = state === "failed";
  ctx.activity.emit("webhookAttempted", error === null ? "delivered" : isFinal ? "failed" : "retried");
  const facts = { webhookId: webhook.id, deliveryId: delivery.id, attempt: number };
  ctx.log.info(
    { ...facts, ms, status, state },
    error === null ? "webhook delivered" : "webhook attempt failed",
  );
}

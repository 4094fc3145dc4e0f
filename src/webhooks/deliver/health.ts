/** Derives the health of an endpoint from the outcomes of attempts. */
import { DAY_MS } from "../../platform/durations.ts";
import type { DisabledReason } from "../disable-webhook.ts";
import type { Webhook } from "../queries.ts";
import { GONE, type Outcome } from "./outcome.ts";

/** A webhook is disabled after this many failed attempts without a success, if the first of them is this old. */
const FAILING = { failures: 10, ms: 3 * DAY_MS };

/** Returns the columns of a webhook that an attempt changes. */
export function healthAfter(
  webhook: Webhook,
  { error, isOverloaded, retryAfterSeconds }: Outcome,
  now: Date,
): Partial<Webhook> {
  if (error === null) return { failures: 0, failingSince: null, isThrottled: false, lastSuccessAt: now };
  return {
    failures: webhook.failures + 1,
    failingSince: webhook.failingSince ?? now,
    isThrottled: webhook.isThrottled || isOverloaded,
    heldUntil:
      retryAfterSeconds === null ? webhook.heldUntil : new Date(now.getTime() + retryAfterSeconds * 1000),
  };
}

/** Returns why a webhook gets no more deliveries after an attempt; null: it gets them. */
export function reasonToDisable(
  { failures, failingSince }: Webhook,
  { status }: Outcome,
  now: Date,
): DisabledReason | null {
  if (status === GONE) return "gone";
  if (failures < FAILING.failures || failingSince === null) return null;
  return now.getTime() - failingSince.getTime() >= FAILING.ms ? "failing" : null;
}

import packageJson from "../../../package.json" with { type: "json" };
import type { Context } from "../../context.ts";
import type { Payload } from "../../jobs.ts";
import { inLowerCase } from "../../platform/http-client/check-request.ts";
import { redact } from "../../platform/http-client/redact.ts";
import { describeTrouble, isTimeout, sendRequest } from "../../platform/http-client/send-request.ts";
import { sign } from "../../platform/http-client/sign.ts";
import type { Delivery } from "../../platform/queue/delivery.ts";
import { Later } from "../../platform/queue/later.ts";
import { messageIdOf } from "../message.ts";
import { secretsOf } from "../secrets.ts";
import { answerText, READ_BYTES } from "./answer-text.ts";
import { type ClaimedAttempt, claimAttempt } from "./claim-attempt.ts";
import { endAttempt } from "./end-attempt.ts";
import { type Outcome, readOutcome } from "./outcome.ts";

/**
 * Makes one attempt at a delivery. If the process ends after the receiver has accepted the message and before that is
 * recorded, the message is sent again, with the same id.
 */
export async function deliver(
  ctx: Context,
  work: Payload<"deliverWebhook">,
  { signal }: Delivery,
): Promise<object | Later | undefined> {
  const claimed = await claimAttempt(ctx, work);
  if (claimed === null) return undefined;
  if (claimed instanceof Later) return claimed;
  const outcome = await traced(ctx, claimed, signal);
  const state = await endAttempt(ctx, claimed, outcome);
  const { ms, status, error } = outcome;
  const isFinal = state === "failed";
  ctx.activity.emit("webhookAttempted", error === null ? "delivered" : isFinal ? "failed" : "retried");
  const facts = { webhookId: claimed.webhook.id, deliveryId: work.deliveryId, attempt: claimed.number };
  ctx.log.info(
    { ...facts, ms, status, state },
    error === null ? "webhook delivered" : "webhook attempt failed",
  );
  return { state };
}

/** The host only: the rest of a URL can be secret. */
function traced(ctx: Context, claimed: ClaimedAttempt, signal: AbortSignal): Promise<Outcome> {
  const attributes = {
    "http.request.method": "POST",
    "server.address": URL.parse(claimed.webhook.url)?.host ?? "",
  };
  return ctx.tracing.span("POST", { kind: "client", attributes }, async (fail) => {
    const outcome = await send(ctx, claimed, signal);
    if (outcome.error !== null) fail(String(outcome.status ?? "no_answer"));
    return outcome;
  });
}

async function send(ctx: Context, claimed: ClaimedAttempt, signal: AbortSignal): Promise<Outcome> {
  const { webhook, delivery } = claimed;
  const now = ctx.now();
  const secrets = secretsOf(webhook, now);
  const hidden = [...secrets, ...Object.values(webhook.headers)];
  const timeoutMs = ctx.config.webhooks.timeoutSeconds * 1000;
  const startedAt = performance.now();
  const elapsed = () => Math.round(performance.now() - startedAt);
  const traceparent = ctx.tracing.traceparent();
  const message = {
    id: messageIdOf(delivery.messageId),
    timestamp: Math.floor(now.getTime() / 1000),
    body: delivery.body,
  };
  try {
    const answer = await sendRequest(
      ctx.config.egress,
      {
        method: "POST",
        url: webhook.url,
        headers: {
          "user-agent": `Rowmill/${packageJson.version}`,
          ...(traceparent === null ? {} : { traceparent }),
          ...inLowerCase(webhook.headers),
          "content-type": "application/json",
          "webhook-id": message.id,
          "webhook-timestamp": String(message.timestamp),
          "webhook-signature": sign(secrets, message),
        },
        body: Buffer.from(delivery.body),
      },
      { timeoutMs, keepBytes: READ_BYTES },
      signal,
    );
    return {
      ...readOutcome(answer, hidden, ctx.now()),
      ms: elapsed(),
      answer: answerText(answer.body, hidden),
    };
  } catch (error) {
    const reason = signal.aborted
      ? "The worker stopped before the answer came."
      : redact(describeTrouble(error, timeoutMs), hidden);
    return {
      ...{ ms: elapsed(), status: null, error: reason, answer: null },
      ...{ retryAfterSeconds: null, isRefused: false },
      ...{ isOverloaded: isTimeout(error), isInterrupted: signal.aborted },
    };
  }
}

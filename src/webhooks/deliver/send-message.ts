import packageJson from "../../../package.json" with { type: "json" };
import type { Context } from "../../context.ts";
import { inLowerCase } from "../../platform/http-client/check-request.ts";
import type { KeptConnection } from "../../platform/http-client/kept-connection.ts";
import { redact } from "../../platform/http-client/redact.ts";
import { describeTrouble, isTimeout } from "../../platform/http-client/send-request.ts";
import { sign } from "../../platform/http-client/sign.ts";
import { messageIdOf } from "../message.ts";
import { secretsOf } from "../secrets.ts";
import { answerText, READ_BYTES } from "./answer-text.ts";
import type { ClaimedAttempt } from "./claim-attempts.ts";
import { type Outcome, readOutcome } from "./outcome.ts";

/** Sends the message of a delivery once. Never throws. */
export function sendMessage(
  ctx: Context,
  connection: KeptConnection,
  claimed: ClaimedAttempt,
  signal: AbortSignal,
): Promise<Outcome> {
  // The host only: the rest of a URL can be secret.
  const host = URL.parse(claimed.webhook.url)?.host ?? "";
  const attributes = { "http.request.method": "POST", "server.address": host };
  return ctx.tracing.span("POST", { kind: "client", attributes }, async (fail) => {
    const outcome = await send(ctx, connection, claimed, signal);
    if (outcome.error !== null) fail(String(outcome.status ?? "no_answer"));
    return outcome;
  });
}

async function send(
  ctx: Context,
  connection: KeptConnection,
  { webhook, delivery }: ClaimedAttempt,
  signal: AbortSignal,
): Promise<Outcome> {
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
    const answer = await connection.send(
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

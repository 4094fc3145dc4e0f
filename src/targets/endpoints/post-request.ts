/** Sends a signed request to an endpoint. */
import packageJson from "../../../package.json" with { type: "json" };
import type { Context } from "../../context.ts";
import { Permanent, Retryable } from "../../errors.ts";
import { HEADER_VALUE, inLowerCase } from "../../platform/http-client/check-request.ts";
import { DestinationRefused } from "../../platform/http-client/destination.ts";
import { redact } from "../../platform/http-client/redact.ts";
import {
  describeTrouble,
  type ReceivedAnswer,
  sendRequest,
} from "../../platform/http-client/send-request.ts";
import { sign } from "../../platform/http-client/sign.ts";
import { formsOf, readSecrets, resolveSecrets } from "../../secrets/resolve-secrets.ts";
import type { HttpDestination } from "../definition/destination.ts";

/** A larger answer is refused. It would be the answer to a few rows of many errors each. */
export const MAX_ANSWER_BYTES = 2 ** 20;
export const DEFAULT_TIMEOUT_SECONDS = 30;

/** How far the request came. */
export type Reply =
  /** `hidden`: secrets that the answer may repeat. */
  | { readonly kind: "answer"; readonly answer: ReceivedAnswer; readonly hidden: readonly string[] }
  | { readonly kind: "unreachable"; readonly message: string }
  /** No request can be sent until an administrator changes something. */
  | { readonly kind: "stop"; readonly reason: string };

export interface Message {
  readonly url: string;
  readonly id: string;
  readonly body: Buffer;
}

/** @throws the reason of the signal */
export async function postRequest(
  ctx: Context,
  destination: HttpDestination,
  message: Message,
  signal: AbortSignal,
): Promise<Reply> {
  let prepared: Prepared;
  try {
    prepared = await prepare(ctx, destination, message);
  } catch (error) {
    if (error instanceof Permanent) return { kind: "stop", reason: error.message };
    if (error instanceof Retryable) return { kind: "unreachable", message: error.message };
    throw error;
  }
  const { headers, hidden } = prepared;
  const timeoutMs = (destination.timeout_seconds ?? DEFAULT_TIMEOUT_SECONDS) * 1000;
  const limits = { timeoutMs, keepBytes: MAX_ANSWER_BYTES + 1, maxBytes: MAX_ANSWER_BYTES + 64 * 1024 };
  const { url, body } = message;
  const attributes = {
    "http.request.method": "POST",
    // The rest of a URL can be secret.
    "server.address": URL.parse(url)?.host ?? "",
  };
  return ctx.tracing.span("POST", { kind: "client", attributes }, async (fail) => {
    const traceparent = ctx.tracing.traceparent();
    const traced = { ...headers, ...(traceparent === null ? {} : { traceparent }) };
    try {
      const request = { method: "POST", url, headers: traced, body } as const;
      const answer = await sendRequest(ctx.config.egress, request, limits, signal);
      if (answer.status >= 400) fail(String(answer.status));
      return { kind: "answer", answer, hidden } as const;
    } catch (error) {
      signal.throwIfAborted();
      fail("no_answer");
      const trouble = redact(describeTrouble(error, timeoutMs), hidden);
      return isRefused(error) ? { kind: "stop", reason: trouble } : { kind: "unreachable", message: trouble };
    }
  });
}

/** Whether the network rules forbid the URL, at once or after its name was looked up. */
function isRefused(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if (cause instanceof DestinationRefused) return true;
  return false;
}

interface Prepared {
  readonly headers: Record<string, string>;
  readonly hidden: readonly string[];
}

const VALUE = new RegExp(HEADER_VALUE);

/** @throws Permanent, Retryable */
async function prepare(
  ctx: Context,
  { headers = {}, sign_with }: HttpDestination,
  { url, id, body }: Message,
): Promise<Prepared> {
  // Only administrators define targets.
  const use = { url, role: "admin" } as const;
  const resolved = await resolveSecrets(ctx, headers, use);
  const invalid = Object.entries(resolved.texts).find(([, value]) => value !== "" && !VALUE.test(value));
  if (invalid) {
    const message = `The header "${invalid[0]}" has characters that headers cannot have, perhaps those of a secret.`;
    throw new Permanent("secret_refused", message);
  }
  const key = sign_with && (await readSecrets(ctx, [sign_with], use)).get(sign_with);
  const timestamp = Math.floor(ctx.now().getTime() / 1000);
  return {
    headers: {
      "user-agent": `Rowmill/${packageJson.version}`,
      ...inLowerCase(resolved.texts),
      "content-type": "application/json",
      "idempotency-key": id,
      "webhook-id": id,
      "webhook-timestamp": String(timestamp),
      ...(key ? { "webhook-signature": sign([key], { id, timestamp, body }) } : {}),
    },
    hidden: [...resolved.hidden, ...(key ? formsOf(key) : [])],
  };
}

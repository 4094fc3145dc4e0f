/** How an attempt ended, and what follows. */
import { redact } from "../../platform/http-client/redact.ts";
import { readRetryAfter } from "../../platform/http-client/retry-after.ts";
import type { ReceivedAnswer } from "../../platform/http-client/send-request.ts";

export interface Outcome {
  readonly ms: number;
  /** null: no answer came. */
  readonly status: number | null;
  /** null: the receiver accepted the message. */
  readonly error: string | null;
  readonly answer: string | null;
  /** Seconds for which the endpoint asks for no requests. */
  readonly retryAfterSeconds: number | null;
  /** The receiver wants no further attempt of this message. */
  readonly isRefused: boolean;
  /** The endpoint gets one request at a time until it accepts one. */
  readonly isOverloaded: boolean;
  /** The worker stopped, so the attempt says nothing about the endpoint. */
  readonly isInterrupted: boolean;
}

export type NextStep =
  | { readonly kind: "delivered" }
  | { readonly kind: "failed"; readonly error: string }
  | { readonly kind: "retry"; readonly afterSeconds: number }
  /** At once, and the attempt does not count. */
  | { readonly kind: "repeat" };

export const GONE = 410;
const HEEDS_RETRY_AFTER = [429, 502, 503, 504];
/** 503 also means that a service is down for maintenance; with `Retry-After`, it asks for fewer requests as well. */
const OVERLOADED = [429, 502, 504];
/** Each delay is 80 to 120 % of its setting, so that failed deliveries do not come back all at once. */
const JITTER = 0.2;
const MAX_LOCATION = 300;

/** Only 2xx is a success. */
export function readOutcome(
  { status, headers }: ReceivedAnswer,
  secrets: readonly string[],
  now: Date,
): Omit<Outcome, "ms" | "answer"> {
  const isSuccess = status >= 200 && status < 300;
  const isRefused = !isSuccess && headers["webhook-delivery"] === "abort-message";
  const retryAfterSeconds = HEEDS_RETRY_AFTER.includes(status)
    ? readRetryAfter(headers["retry-after"], now)
    : null;
  return {
    status,
    error: isSuccess ? null : errorOf(status, headers, secrets),
    retryAfterSeconds,
    isRefused,
    isOverloaded: OVERLOADED.includes(status) || retryAfterSeconds !== null,
    isInterrupted: false,
  };
}

function errorOf(status: number, headers: ReceivedAnswer["headers"], secrets: readonly string[]): string {
  if (status < 300 || status >= 400) return `The endpoint answered ${status}.`;
  const location = redact(String(headers.location ?? ""), secrets)
    .slice(0, MAX_LOCATION)
    .toWellFormed();
  const to = location === "" ? "" : ` to ${location}`;
  return `The endpoint answered ${status}, a redirect${to}. Redirects are not followed: update the URL.`;
}

/** @param tries the attempts since the delivery was created or replayed, with this one */
export function nextStep(
  { error, status, retryAfterSeconds, isRefused, isInterrupted }: Outcome,
  tries: number,
  retrySeconds: readonly number[],
): NextStep {
  if (error === null) return { kind: "delivered" };
  if (isInterrupted) return { kind: "repeat" };
  if (isRefused) return { kind: "failed", error: `${error} It asked for no further attempt.` };
  const delay = retrySeconds[tries - 1];
  if (status === GONE || delay === undefined) return { kind: "failed", error };
  const varied = delay * (1 - JITTER + 2 * JITTER * Math.random());
  return { kind: "retry", afterSeconds: Math.max(varied, retryAfterSeconds ?? 0) };
}

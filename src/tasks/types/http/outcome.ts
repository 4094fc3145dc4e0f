/** The consequence of an answer, or of none. */
import { redact } from "../../../platform/http-client/redact.ts";
import { readRetryAfter } from "../../../platform/http-client/retry-after.ts";
import type { ReceivedAnswer } from "../../../platform/http-client/send-request.ts";
import type { HttpParams } from "./params.ts";

export interface Trouble {
  readonly code: "http_status" | "http_redirect" | "http_unreachable" | "http_timeout" | "http_refused";
  readonly message: string;
  readonly isFinal: boolean;
  /** Seconds for which the host asks for no requests. */
  readonly retryAfterSeconds: number | null;
}

/** 4xx that a later request can change. */
const TEMPORARY = [408, 425, 429];
const HEEDS_RETRY_AFTER = [429, 503];
const MAX_LOCATION = 300;

/** @returns null if the answer is a success */
export function troubleOf(
  { status, headers }: ReceivedAnswer,
  { success = ["2xx"], retry_4xx = false }: HttpParams,
  hidden: readonly string[],
  now: Date,
): Trouble | null {
  if (success.some((one) => one === String(status) || one === `${Math.floor(status / 100)}xx`)) return null;
  if (status >= 300 && status < 400) {
    const location = redact(String(headers.location ?? ""), hidden)
      .slice(0, MAX_LOCATION)
      .toWellFormed();
    const message = `The host answered ${status}, a redirect${location && ` to ${location}`}. Redirects are not followed.`;
    return { code: "http_redirect", message, isFinal: true, retryAfterSeconds: null };
  }
  const isClientError = status >= 400 && status < 500;
  return {
    code: "http_status",
    message: `The host answered ${status}.`,
    // A 2xx that is not in `success` would come again.
    isFinal: status < 300 || (isClientError && !retry_4xx && !TEMPORARY.includes(status)),
    retryAfterSeconds: HEEDS_RETRY_AFTER.includes(status)
      ? readRetryAfter(headers["retry-after"], now)
      : null,
  };
}

/** @param retry 1 before the first retry */
export function backoffSeconds({ backoff = {} }: HttpParams, retry: number, random = Math.random()): number {
  const { min_seconds = 10, max_seconds = 3600, factor = 2, jitter = 0.2 } = backoff;
  const delay = Math.min(Math.max(min_seconds, max_seconds), min_seconds * factor ** (retry - 1));
  return delay * (1 - jitter + 2 * jitter * random);
}

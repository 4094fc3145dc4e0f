/** The part of an answer that becomes the result of a task. */
import { isUtf8 } from "node:buffer";
import { redact, withoutCutSecret } from "../../../platform/http-client/redact.ts";
import type { ReceivedAnswer } from "../../../platform/http-client/send-request.ts";
import { isNestedDeeper } from "../../../platform/postgres/storable.ts";

/** The part of the body that is kept. */
const KEPT_BYTES = 64 * 1024;
/** The bytes to read: a secret that begins in the kept part must be seen whole, also if its notation triples it. */
export const READ_BYTES = KEPT_BYTES + 16 * 1024;

const MAX_HEADER = 1000;
/** Headers that can help the next step, and hold no credentials. */
const KEPT_HEADERS = [
  ...["content-type", "content-length", "content-language", "content-disposition", "date", "etag"],
  ...["last-modified", "link", "location", "retry-after", "server", "x-request-id", "x-correlation-id"],
  ...["ratelimit", "ratelimit-policy", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"],
];

export interface KeptAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly body_format: "json" | "text" | "base64";
  readonly is_truncated: boolean;
}

/** @param hidden the secrets of the request */
export function keepAnswer({ status, headers, body }: ReceivedAnswer, hidden: readonly string[]): KeptAnswer {
  const kept = KEPT_HEADERS.flatMap((name) => {
    const value = headers[name];
    if (value === undefined) return [];
    const text = Array.isArray(value) ? value.join(", ") : value;
    return [[name, redact(text, hidden).slice(0, MAX_HEADER).toWellFormed()]];
  });
  const isTruncated = body.length > KEPT_BYTES;
  return {
    status,
    headers: Object.fromEntries(kept),
    ...bodyOf(
      body.length < READ_BYTES ? body : withoutCutSecret(body, hidden),
      String(headers["content-type"] ?? ""),
      hidden,
      isTruncated,
    ),
    is_truncated: isTruncated,
  };
}

type KeptBody = Pick<KeptAnswer, "body" | "body_format">;

function bodyOf(body: Buffer, mediaType: string, hidden: readonly string[], isTruncated: boolean): KeptBody {
  const text = textOf(body);
  if (text === null)
    return {
      body: maskBytes(body, hidden).subarray(0, KEPT_BYTES).toString("base64"),
      body_format: "base64",
    };
  const clean = redact(text, hidden);
  if (!isTruncated && JSON_TYPE.test(mediaType)) {
    const parsed = parseJson(clean);
    if (parsed !== undefined) return { body: parsed, body_format: "json" };
  }
  // The cut may have split a character.
  const shown = Buffer.from(clean)
    .subarray(0, KEPT_BYTES)
    .toString("utf8")
    .replace(/\uFFFD$/, "");
  return { body: shown, body_format: "text" };
}

const JSON_TYPE = /^application\/([a-z0-9.+-]+\+)?json\b/i;
/** A character of UTF-8 has up to 4 bytes, so a cut leaves up to 3 of them. */
const MAX_CUT = 3;

/** @returns null if the bytes are not UTF-8 */
function textOf(body: Buffer): string | null {
  for (let cut = 0; cut <= MAX_CUT && cut <= body.length; cut++) {
    const whole = body.subarray(0, body.length - cut);
    if (isUtf8(whole)) return whole.toString("utf8");
    // Only the end of a long body can have been cut.
    if (body.length < KEPT_BYTES) return null;
  }
  return null;
}

/** Deeper values cannot be stored, and templates cannot reach them. */
const MAX_DEPTH = 32;

/** @returns undefined if the text is no JSON, or nested too deeply */
function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return isNestedDeeper(value, MAX_DEPTH) ? undefined : value;
  } catch {
    return undefined;
  }
}

/** Covers secrets in a binary body. */
function maskBytes(body: Buffer, hidden: readonly string[]): Buffer {
  const masked = Buffer.from(body);
  for (const secret of hidden) {
    const bytes = Buffer.from(secret);
    for (let at = masked.indexOf(bytes); at !== -1; at = masked.indexOf(bytes, at + bytes.length))
      masked.fill("*", at, at + bytes.length);
  }
  return masked;
}

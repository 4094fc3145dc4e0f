import { redact } from "../../platform/http-client/redact.ts";

/** The part of an answer that the log shows. */
const SHOWN_BYTES = 4096;

/** The bytes to read: a secret that begins in the shown part must be seen whole. */
export const READ_BYTES = SHOWN_BYTES + 2048;

/** Returns the beginning of an answer as text that PostgreSQL can store, without the secrets of the webhook. */
export function answerText(body: Buffer, secrets: readonly string[]): string {
  const text = redact(body.toString("utf8"), secrets);
  const shown = Buffer.from(text).subarray(0, SHOWN_BYTES);
  // The cut may have split a character.
  return shown.toString("utf8").replace(/\uFFFD+$/, "");
}

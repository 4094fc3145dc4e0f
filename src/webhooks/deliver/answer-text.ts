/** The part of an answer that the log shows. */
const SHOWN_BYTES = 4096;

/** The bytes to read: a secret that begins in the shown part must be seen whole. */
export const READ_BYTES = SHOWN_BYTES + 2048;

const REDACTED = "[redacted]";

/** Shorter values of headers are no secrets, and would redact parts of ordinary words. */
const MIN_SECRET = 8;

/** Returns the beginning of an answer as text that PostgreSQL can store, without the secrets of the webhook. */
export function answerText(body: Buffer, secrets: readonly string[]): string {
  const text = redact(body.toString("utf8"), secrets);
  const shown = Buffer.from(text).subarray(0, SHOWN_BYTES);
  // The cut may have split a character.
  return shown.toString("utf8").replace(/\uFFFD+$/, "");
}

/** Returns the text without the secrets, and without characters that PostgreSQL cannot store. */
export function redact(text: string, secrets: readonly string[]): string {
  const parts = new Set(secrets.flatMap((secret) => [secret, ...secret.split(/[\s_]/)]));
  const longest = [...parts].filter(({ length }) => length >= MIN_SECRET).sort((a, b) => b.length - a.length);
  const storable = text.toWellFormed().replaceAll("\0", "\uFFFD");
  if (longest.length === 0) return storable;
  // In one pass: text that was replaced is not searched again.
  const anySecret = new RegExp(longest.map(escapeRegExp).join("|"), "g");
  return storable.replace(anySecret, REDACTED);
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

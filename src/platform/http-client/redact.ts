const REDACTED = "[redacted]";

/** Shorter values are no secrets, and would redact parts of ordinary words. */
export const MIN_SECRET = 8;

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

/** Returns the beginning of an answer without the part of a secret at its end, which the cut may have left. */
export function withoutCutSecret(beginning: Buffer, secrets: readonly string[]): Buffer {
  let cut = 0;
  for (const secret of secrets.map((text) => Buffer.from(text)))
    for (let length = secret.length - 1; length >= Math.max(cut + 1, MIN_SECRET); length--)
      if (beginning.subarray(-length).equals(secret.subarray(0, length))) cut = length;
  return beginning.subarray(0, beginning.length - cut);
}

/** Characters that PostgreSQL cannot store: U+0000 in text, and half of a surrogate pair in JSON. */
import { invalidField } from "../../errors.ts";

/** JSON.stringify writes both as an escape. If the text itself has such an escape, its backslash is doubled. */
const UNSTORABLE = /(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g;

/** @throws DomainError `invalid_input` if PostgreSQL cannot store a text in `value` */
export function requireStorable(value: unknown, field: string): void {
  if (isStorable(value)) return;
  throw invalidField(
    field,
    "has a character that cannot be stored: U+0000, or half of a surrogate pair. Remove it.",
  );
}

/** Returns the value as JSON, with U+FFFD instead of characters that cannot be stored. */
export function storableJson(value: unknown): string {
  return JSON.stringify(value).replace(UNSTORABLE, "$1\\ufffd");
}

/** Whether PostgreSQL can store all texts and names in `value`. */
export function isStorable(value: unknown): boolean {
  if (typeof value === "string") return value.isWellFormed() && !value.includes("\0");
  if (typeof value !== "object" || value === null) return true;
  if (Array.isArray(value)) return value.every(isStorable);
  // Not by Object.entries, which makes an array per field: a request can have 10,000 tasks.
  for (const name in value)
    if (!isStorable(name) || !isStorable(value[name as keyof typeof value])) return false;
  return true;
}

/** What PostgreSQL can't hold: no text has a U+0000, and no JSON of its half of a surrogate pair. */
import { invalidField } from "../../errors.ts";

/** JSON.stringify writes both as an escape, which itself is escaped where it was in the text. */
const UNSTORABLE = /(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g;

/** @throws DomainError `invalid_input` where a text in it can't be stored */
export function requireStorable(value: unknown, field: string): void {
  if (isStorable(JSON.stringify(value) ?? "")) return;
  throw invalidField(field, "has a character that can't be stored: U+0000, or half of a surrogate pair.");
}

/** The same JSON, with U+FFFD in the place of what can't be stored. */
export function storableJson(value: unknown): string {
  return JSON.stringify(value).replace(UNSTORABLE, "$1\\ufffd");
}

function isStorable(json: string): boolean {
  UNSTORABLE.lastIndex = 0;
  return !UNSTORABLE.test(json);
}

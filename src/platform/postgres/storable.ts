/** PostgreSQL cannot store U+0000 in text, half of a surrogate pair in JSON, and JSON that is nested too deeply. */
import { invalidField } from "../../errors.ts";

/** JSON.stringify writes both as an escape. If the text itself has such an escape, its backslash is doubled. */
const UNSTORABLE = /(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g;

/** Far below what PostgreSQL and JSON.stringify can read with their stacks. */
const MAX_DEPTH = 100;

/** @throws DomainError `invalid_input` if PostgreSQL cannot store `value` or a text in it */
export function requireStorable(value: unknown, field: string): void {
  if (isStorable(value)) return;
  requireShallow(value, field);
  throw invalidField(
    field,
    "has a character that cannot be stored: U+0000, or half of a surrogate pair. Remove it.",
  );
}

/** @throws DomainError `invalid_input` if JSON.stringify may lack the stack for `value` */
export function requireShallow(value: unknown, field: string): void {
  if (isNestedDeeper(value, MAX_DEPTH))
    throw invalidField(field, `has more than ${MAX_DEPTH} objects or lists inside each other. Use fewer.`);
}

/** Returns the value as JSON, with U+FFFD instead of characters that cannot be stored. */
export function storableJson(value: unknown): string {
  return JSON.stringify(value).replace(UNSTORABLE, "$1\\ufffd");
}

/** Whether PostgreSQL can store `value` and all texts and names in it. */
export function isStorable(value: unknown, depth = MAX_DEPTH): boolean {
  if (typeof value === "string") return value.isWellFormed() && !value.includes("\0");
  if (typeof value !== "object" || value === null) return true;
  if (depth === 0) return false;
  if (Array.isArray(value)) return value.every((item) => isStorable(item, depth - 1));
  // Not by Object.entries, which makes an array per field: a request can have 10,000 tasks.
  for (const name in value)
    if (!isStorable(name) || !isStorable(value[name as keyof typeof value], depth - 1)) return false;
  return true;
}

/** Whether more objects and lists than `depth` are inside each other. */
export function isNestedDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return depth === 0 || Object.values(value).some((item) => isNestedDeeper(item, depth - 1));
}

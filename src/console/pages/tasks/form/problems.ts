/** Finds what is wrong with the values of a form before they are sent. The API checks everything again. */
import { taskFormWords as words } from "../../../words/task-form.ts";
import type { Field, ListField, NumberField, TextField } from "./fields.ts";
import { variantOf } from "./fields.ts";

/** A text of a JSON editor that is not JSON. It stays in the form, and cannot be sent. */
export class NotJson {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** @returns the value of JSON that a user typed; undefined if the text is empty */
export function parseJson(text: string): unknown {
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return new NotJson(text);
  }
}

export type Problems = Readonly<Record<string, string>>;

export function problemsOf(fields: readonly Field[], values: unknown): Problems {
  const found: Record<string, string> = {};
  for (const field of fields) collect(field, entryOf(values, field.name), found);
  return found;
}

function entryOf(values: unknown, name: string): unknown {
  return typeof values === "object" && values !== null
    ? (values as Record<string, unknown>)[name]
    : undefined;
}

function collect(field: Field, value: unknown, found: Record<string, string>): void {
  if (value instanceof NotJson) {
    found[field.path] = words.notJson;
    return;
  }
  if (value === undefined) {
    if (field.isRequired && field.default === undefined) found[field.path] = words.required;
    return;
  }
  switch (field.kind) {
    case "group":
      Object.assign(found, problemsOf(field.fields, value));
      return;
    case "variants": {
      const variant = field.variants[variantOf(field, value)];
      if (variant) collect(variant, value, found);
      return;
    }
    default: {
      const problem = problemOf(field, value);
      if (problem) found[field.path] = problem;
    }
  }
}

function problemOf(field: Field, value: unknown): string | undefined {
  switch (field.kind) {
    case "text":
      return ofText(field, value);
    case "number":
      return ofNumber(field, value);
    case "list":
      return ofList(field, value);
    case "choice":
      return field.options.some((option) => option === value) ? undefined : words.notAnOption;
    default:
      return undefined;
  }
}

function ofText({ minLength = 0, maxLength, pattern }: TextField, value: unknown): string | undefined {
  if (typeof value !== "string") return words.notText;
  if (value.length < minLength) return words.tooShort(minLength);
  if (maxLength !== undefined && value.length > maxLength) return words.tooLong(maxLength);
  return pattern === undefined || matches(pattern, value) ? undefined : words.wrongPattern;
}

/** A pattern that this browser does not understand is left to the API. */
function matches(pattern: string, value: string): boolean {
  try {
    return new RegExp(pattern, "u").test(value);
  } catch {
    return true;
  }
}

function ofNumber({ isWhole, min, max, isMinExcluded }: NumberField, value: unknown): string | undefined {
  if (typeof value !== "number" || !Number.isFinite(value)) return words.notNumber;
  if (isWhole && !Number.isInteger(value)) return words.notWhole;
  if (min !== undefined && isMinExcluded && value <= min) return words.tooSmallExcluded(min);
  if (min !== undefined && value < min) return words.tooSmall(min);
  return max !== undefined && value > max ? words.tooLarge(max) : undefined;
}

function ofList({ item, minItems = 0, maxItems }: ListField, value: unknown): string | undefined {
  if (!Array.isArray(value)) return words.notList;
  if (value.length < minItems) return words.tooFew(minItems);
  if (maxItems !== undefined && value.length > maxItems) return words.tooMany(maxItems);
  for (const [at, one] of value.entries()) {
    const problem = problemOf(item, one);
    if (problem) return words.ofItem(at + 1, problem);
  }
  return undefined;
}

/** Describes invalid fields in the words of Django REST Framework, which clients of the replaced services know. */
import type { FastifyInstance } from "fastify";
import { DomainError } from "../../errors.ts";
import { errorFormatter, throwFieldErrors } from "../../platform/http/schema-errors.ts";

/** The pattern of text that is not blank. */
export const NOT_BLANK = "\\S";
const BLANK = "This field may not be blank.";
/** The pattern of days that PostgreSQL has: it has no year 0. */
export const FROM_YEAR_1 = "^(?!0000)";

const MISTYPED: Readonly<Record<string, string>> = {
  string: "Not a valid string.",
  boolean: "Must be a valid boolean.",
  integer: "A valid integer is required.",
  array: "Expected a list of items.",
  object: "Expected an object.",
};

const PATTERN_TEXTS: ReadonlyMap<unknown, string> = new Map([
  [NOT_BLANK, BLANK],
  [FROM_YEAR_1, "Must be 0001-01-01 or later."],
]);

/** The text for each keyword of JSON Schema; undefined: Rowmill's own words. */
const TEXTS: Readonly<Record<string, (params: Readonly<Record<string, unknown>>) => string | undefined>> = {
  required: () => "This field is required.",
  type: ({ type }) => MISTYPED[String(type)] ?? `Must be ${type}.`,
  minLength: ({ limit }) => (limit === 1 ? BLANK : `Ensure this field has at least ${limit} characters.`),
  pattern: ({ pattern }) => PATTERN_TEXTS.get(pattern),
  maxLength: ({ limit }) => `Ensure this field has no more than ${limit} characters.`,
  enum: () => "Not a valid choice.",
  minItems: () => "This list may not be empty.",
  maxItems: ({ limit }) => `Ensure this field has no more than ${limit} elements.`,
  minimum: ({ limit }) => `Ensure this value is greater than or equal to ${limit}.`,
  maximum: ({ limit }) => `Ensure this value is less than or equal to ${limit}.`,
  format: ({ format }) => `Enter a valid ${format}.`,
};

/** Applies to all routes of the plugin. Only the texts of errors differ from those of other routes. */
export function speakAsDjango(app: FastifyInstance): void {
  app.setSchemaErrorFormatter(errorFormatter(TEXTS, "non_field_errors"));
}

/** Runs a verb, and renames the fields in its errors as the old service names them. */
export async function underOldNames<T>(
  oldName: (field: string) => string,
  verb: () => Promise<T>,
): Promise<T> {
  try {
    return await verb();
  } catch (error) {
    if (!(error instanceof DomainError) || error.code !== "invalid_input") throw error;
    const renamed = Object.entries(error.fieldErrors).map(([field, texts]) => [oldName(field), texts]);
    throwFieldErrors(Object.fromEntries(renamed), error);
    throw error;
  }
}

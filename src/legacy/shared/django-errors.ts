/** What is wrong with a field, in the words that clients of Django REST Framework know. */
import type { FastifyError, FastifyInstance } from "fastify";
import { DomainError, type FieldErrors } from "../../errors.ts";

type Failure = NonNullable<FastifyError["validation"]>[number];

/** What a text must match that may not be empty, or all blanks. */
export const NOT_BLANK = "\\S";
const BLANK = "This field may not be blank.";
/** What a day must match: PostgreSQL has no year 0. */
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

/** By the keyword of the JSON Schema that does not hold; undefined: in the words of the validator. */
const TEXTS: Readonly<Record<string, (params: Failure["params"]) => string | undefined>> = {
  required: () => "This field is required.",
  type: ({ type }) => MISTYPED[String(type)] ?? `Must be ${type}.`,
  minLength: ({ limit }) => (limit === 1 ? BLANK : `Ensure this field has at least ${limit} characters.`),
  pattern: ({ pattern }) => PATTERN_TEXTS.get(pattern),
  maxLength: ({ limit }) => `Ensure this field has no more than ${limit} characters.`,
  enum: () => "Not a valid choice.",
  minItems: () => "This list may not be empty.",
  maxItems: ({ limit }) => `Ensure this field has no more than ${limit} elements.`,
  minimum: ({ limit }) => `Ensure this value is greater than or equal to ${limit}.`,
  format: ({ format }) => `Enter a valid ${format}.`,
};

/** For the routes of this plugin. Everything but the texts is answered as everywhere. */
export function speakAsDjango(app: FastifyInstance): void {
  app.setSchemaErrorFormatter((errors, part) => {
    const fieldErrors: FieldErrors = {};
    for (const error of errors) {
      const field = fieldOf(error) || (part === "body" ? "non_field_errors" : part);
      const text = TEXTS[error.keyword]?.(error.params) ?? `${error.message}.`;
      fieldErrors[field] = [...(fieldErrors[field] ?? []), text];
    }
    return inputError(fieldErrors);
  });
}

function fieldOf({ instancePath, keyword, params }: Failure): string {
  const missing = keyword === "required" ? String(params.missingProperty) : "";
  return [instancePath.slice(1).replaceAll("/", "."), missing].filter(Boolean).join(".");
}

function inputError(fieldErrors: FieldErrors, cause?: unknown): DomainError {
  const detail = Object.entries(fieldErrors).map(([field, texts]) => `${field}: ${texts.join(" ")}`);
  return new DomainError("invalid_input", detail.join("; "), { fieldErrors, cause });
}

/** Runs a verb whose fields the old service calls otherwise, and names them in its errors as the client does. */
export async function underOldNames<T>(
  oldName: (field: string) => string,
  verb: () => Promise<T>,
): Promise<T> {
  try {
    return await verb();
  } catch (error) {
    if (!(error instanceof DomainError) || error.code !== "invalid_input") throw error;
    const renamed = Object.entries(error.fieldErrors).map(([field, texts]) => [oldName(field), texts]);
    throw inputError(Object.fromEntries(renamed), error);
  }
}

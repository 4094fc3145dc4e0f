/** What is wrong with a value, in words for whoever sent it. */
import type { TLocalizedValidationError } from "typebox/error";
import { DomainError, type FieldErrors } from "../../errors.ts";

interface Check {
  Errors(value: unknown): TLocalizedValidationError[];
}

const MAX_NAME_LENGTH = 100;
/** Others say the same in detail. */
const SUMMARIES: ReadonlySet<string> = new Set(["additionalProperties", "anyOf", "oneOf", "allOf"]);

/**
 * The value's errors by the fields that they are in, such as `tags.3`; of many the first eight.
 * @param path of the value, where it lies in another
 */
export function schemaErrors(check: Check, value: unknown, path = ""): FieldErrors {
  const fieldErrors: FieldErrors = {};
  const tell = (field: string, text: string) => {
    const told = fieldErrors[field] ?? [];
    if (!told.includes(text)) fieldErrors[field] = [...told, text];
  };
  for (const error of check.Errors(value)) {
    const field = joinPath(path, ...namesIn(error.instancePath));
    if (error.keyword === "required") {
      for (const name of error.params.requiredProperties) tell(joinPath(field, name), "is required.");
    } else if (!SUMMARIES.has(error.keyword)) {
      tell(field || "body", textOf(error));
    }
  }
  return fieldErrors;
}

function textOf(error: TLocalizedValidationError): string {
  if (error.keyword === "boolean") return "is not a field that is known here.";
  if (error.keyword === "enum") return `must be one of: ${error.params.allowedValues.join(", ")}.`;
  if (error.keyword === "const") return `must be ${JSON.stringify(error.params.allowedValue)}.`;
  return `${error.message}.`;
}

function namesIn(pointer: string): string[] {
  return pointer
    .split("/")
    .map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~").slice(0, MAX_NAME_LENGTH));
}

export function joinPath(...parts: readonly string[]): string {
  return parts.filter(Boolean).join(".");
}

/** Told in the sentence; `field_errors` has them all. */
const TOLD = 5;

/** @throws DomainError `invalid_input` where there is an error */
export function throwFieldErrors(fieldErrors: FieldErrors): void {
  const told = Object.entries(fieldErrors).map(([field, texts]) => `${field}: ${texts.join(" ")}`);
  if (told.length === 0) return;
  const rest = told.length > TOLD ? [`And ${told.length - TOLD} more.`] : [];
  throw new DomainError("invalid_input", [...told.slice(0, TOLD), ...rest].join(" "), { fieldErrors });
}

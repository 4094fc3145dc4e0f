/** Describes the errors of JSON Schema validation in plain English, as `field_errors`. */
import { DomainError, type FieldErrors } from "../../errors.ts";
import { plural } from "../plural.ts";
import { NUL_FREE } from "./schemas.ts";

/** An error of TypeBox, or of Ajv, which Fastify uses. */
interface SchemaError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: object;
  readonly message?: string;
}

interface Check {
  Errors(value: unknown): SchemaError[];
}

type Params = Readonly<Record<string, unknown>>;
type Texts = Readonly<Record<string, (params: Params) => string | undefined>>;

const MAX_NAME_LENGTH = 100;
/** `detail` names this many fields; `field_errors` has all. */
const FIELDS_IN_DETAIL = 5;
/** Skip summary keywords: nested errors are more specific. */
const SUMMARIES: ReadonlySet<string> = new Set(["additionalProperties", "anyOf", "oneOf", "allOf"]);

const TYPES: Readonly<Record<string, string>> = {
  string: "text",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  null: "null",
};

const FORMATS: Readonly<Record<string, string>> = {
  uuid: "a UUID",
  date: "a date, such as 2026-11-22",
  "date-time": "a time, such as 2026-11-22T03:43:21Z",
};

/** The rule of each keyword, to follow the name of a field. */
const RULES: Texts = {
  required: () => "is required.",
  boolean: () => "is not a known field. Remove it, or correct its name.",
  minLength: ({ limit }) => `must have at least ${plural(Number(limit), "character")}.`,
  maxLength: ({ limit }) => `must have at most ${plural(Number(limit), "character")}.`,
  minItems: ({ limit }) => `must have at least ${plural(Number(limit), "item")}.`,
  maxItems: ({ limit }) => `must have at most ${plural(Number(limit), "item")}.`,
  minProperties: ({ limit }) => `must have at least ${plural(Number(limit), "field")}.`,
  maxProperties: ({ limit }) => `must have at most ${plural(Number(limit), "field")}.`,
  minimum: ({ limit }) => `must be at least ${limit}.`,
  maximum: ({ limit }) => `must be at most ${limit}.`,
  exclusiveMinimum: ({ limit }) => `must be more than ${limit}.`,
  exclusiveMaximum: ({ limit }) => `must be less than ${limit}.`,
  enum: ({ allowedValues }) =>
    `must be one of: ${Array.isArray(allowedValues) ? allowedValues.join(", ") : ""}.`,
  const: ({ allowedValue }) => `must be ${JSON.stringify(allowedValue)}.`,
  format: ({ format }) => `must be ${FORMATS[String(format)] ?? `a valid ${format}`}.`,
  pattern: ({ pattern }) =>
    pattern === NUL_FREE ? "must not contain the character U+0000." : `must match the pattern ${pattern}.`,
};

const or = new Intl.ListFormat("en", { type: "disjunction" });

/**
 * Returns a formatter for Fastify's `setSchemaErrorFormatter`.
 * @param own texts that replace those of this file, by keyword
 * @param bodyField the name in `field_errors` of errors of the body as a whole
 */
export function errorFormatter(own: Texts = {}, bodyField = "body") {
  return (errors: readonly SchemaError[], part: string): DomainError =>
    inputError(describeErrors(errors, "", part === "body" ? bodyField : part, own));
}

/**
 * Returns the errors of a value by their fields, such as `tags.3`. TypeBox reports at most eight errors.
 * @param path the path of the value, if it is a part of another value
 */
export function schemaErrors(check: Check, value: unknown, path = ""): FieldErrors {
  return describeErrors(check.Errors(value), path, "body");
}

/** @throws DomainError `invalid_input` if there are errors */
export function throwFieldErrors(fieldErrors: FieldErrors, cause?: unknown): void {
  if (Object.keys(fieldErrors).length > 0) throw inputError(fieldErrors, cause);
}

function inputError(fieldErrors: FieldErrors, cause?: unknown): DomainError {
  const details = Object.entries(fieldErrors).map(([field, texts]) => `${field}: ${texts.join(" ")}`);
  const rest = details.length - FIELDS_IN_DETAIL;
  const shown = [...details.slice(0, FIELDS_IN_DETAIL), ...(rest > 0 ? [`And ${rest} more.`] : [])];
  return new DomainError("invalid_input", shown.join(" "), { fieldErrors, cause });
}

function describeRule({ keyword, params, message }: SchemaError, own: Texts): string {
  return own[keyword]?.({ ...params }) ?? RULES[keyword]?.({ ...params }) ?? `${message}.`;
}

export function joinPath(...parts: readonly string[]): string {
  let path = "";
  for (const part of parts) path = path && part ? `${path}.${part}` : path || part;
  return path;
}

/** The field of an error, or the missing fields. */
function fieldsOf({ keyword, instancePath, params }: SchemaError): string[] {
  const field = joinPath(...namesIn(instancePath));
  if (keyword !== "required") return [field];
  // TypeBox reports all missing fields in one error, Ajv each in its own.
  const { requiredProperties, missingProperty }: Params = { ...params };
  const missing = Array.isArray(requiredProperties) ? requiredProperties : [missingProperty];
  return missing.map((name) => joinPath(field, String(name)));
}

function describeErrors(
  errors: readonly SchemaError[],
  path: string,
  whole: string,
  own: Texts = {},
): FieldErrors {
  const located = errors
    .filter(({ keyword }) => !SUMMARIES.has(keyword))
    .flatMap((error) => fieldsOf(error).map((field) => ({ error, field: joinPath(path, field) || whole })));
  const byField = Map.groupBy(located, ({ field }) => field);
  return Object.fromEntries(
    [...byField].map(([field, found]) => [
      field,
      describeField(
        found.map(({ error }) => error),
        own,
      ),
    ]),
  );
}

function describeField(errors: readonly SchemaError[], own: Texts): string[] {
  const types = own.type ? [] : errors.filter(({ keyword }) => keyword === "type").flatMap(typesOf);
  const type = types.length > 0 ? [`must be ${or.format(types)}.`] : [];
  const hasFormat = errors.some(({ keyword }) => keyword === "format");
  const rules = errors
    .filter(({ keyword }) => keyword !== "type" || own.type)
    // A format says in words what its pattern means.
    .filter(({ keyword }) => keyword !== "pattern" || !hasFormat)
    .map((error) => describeRule(error, own));
  return [...new Set([...type, ...rules])];
}

function typesOf({ params }: SchemaError): string[] {
  const { type }: Params = { ...params };
  return [type].flat().map((name) => TYPES[String(name)] ?? String(name));
}

function namesIn(pointer: string): string[] {
  return pointer
    .split("/")
    .map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~").slice(0, MAX_NAME_LENGTH));
}

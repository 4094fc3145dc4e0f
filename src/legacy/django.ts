/** What clients of Django REST framework expect everywhere: of bodies, of the words of errors, of pages by number. */
import type { FastifyInstance } from "fastify";
import type { FastifySchemaValidationError } from "fastify/types/schema.js";
import Type from "typebox";
import { DomainError, type FieldErrors } from "../errors.ts";

export const URLENCODED = "application/x-www-form-urlencoded";

/** Django also takes forms without a file as browsers send them, and clients that say JSON and send nothing. */
export function takeBodiesAsDjango(app: FastifyInstance): void {
  app.addContentTypeParser<string>(URLENCODED, { parseAs: "string" }, (_request, body, done) =>
    done(null, Object.fromEntries(new URLSearchParams(body))),
  );
  const parseJson = app.getDefaultJsonParser("error", "error");
  app.addContentTypeParser<string>("application/json", { parseAs: "string" }, (request, body, done) =>
    body === "" ? done(null, {}) : parseJson(request, body, done),
  );
}

/** What a text must match that may not be empty, or all blanks. */
export const NOT_BLANK = "\\S";
const BLANK = "This field may not be blank.";

const MISTYPED: Readonly<Record<string, string>> = {
  string: "Not a valid string.",
  boolean: "Must be a valid boolean.",
  integer: "A valid integer is required.",
  array: "Expected a list of items.",
  object: "Expected an object.",
};

/** By the keyword of the JSON Schema that does not hold. */
const TEXTS: Readonly<Record<string, (params: Readonly<Record<string, unknown>>) => string>> = {
  required: () => "This field is required.",
  type: ({ type }) => MISTYPED[String(type)] ?? `Must be ${type}.`,
  minLength: () => BLANK,
  pattern: ({ pattern }) => (pattern === NOT_BLANK ? BLANK : `Must match ${pattern}.`),
  maxLength: ({ limit }) => `Ensure this field has no more than ${limit} characters.`,
  minItems: () => "This list may not be empty.",
  maxItems: ({ limit }) => `Ensure this field has no more than ${limit} elements.`,
  minimum: ({ limit }) => `Ensure this value is greater than or equal to ${limit}.`,
  format: ({ format }) => `Enter a valid ${format}.`,
  formatMinimum: ({ limit }) => `Must be ${limit} or later.`,
};

/** Words what is wrong with input as Django REST framework does. */
export function speakAsDjango(app: FastifyInstance): void {
  app.setSchemaErrorFormatter((errors, part) => {
    const fieldErrors: FieldErrors = {};
    for (const error of errors) {
      const field = fieldOf(error) || part;
      const text = TEXTS[error.keyword]?.(error.params) ?? `${error.message}.`;
      fieldErrors[field] = [...(fieldErrors[field] ?? []), text];
    }
    return inputError(fieldErrors);
  });
}

function fieldOf({ instancePath, keyword, params }: FastifySchemaValidationError): string {
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

const DAY_MS = 86_400_000;

/** As PostgreSQL can hold it: there is no year 0. */
export const Day = (description: string) =>
  Type.Optional(
    Type.String({ format: "date", formatMinimum: "0001-01-01", description, examples: ["2024-01-01"] }),
  );

/** From the beginning of the one day to the end of the other, in UTC. */
export function betweenDays(first?: string, last?: string): { from?: Date; before?: Date } {
  return {
    ...(first === undefined ? {} : { from: new Date(first) }),
    // The day after the last one that is written with four digits can't be written.
    ...(last === undefined || last === "9999-12-31" ? {} : { before: new Date(Date.parse(last) + DAY_MS) }),
  };
}

const PAGE_SIZE = 20;
const MAX_PAGE_SIZE = 1000;

export const PageNumberQuery = {
  page: Type.Optional(
    Type.String({ description: "From 1. A page that there is none of is 404.", examples: ["1"] }),
  ),
  page_size: Type.Optional(
    Type.Integer({
      minimum: 1,
      description: "20 where it is absent; what is over 1,000 is taken for 1,000.",
    }),
  ),
};

interface PageNumbers {
  readonly page: number;
  readonly pageSize: number;
}

/** @throws DomainError `not_found` where the page is no number */
export function pageNumbers(query: { page?: string; page_size?: number }): PageNumbers {
  const { page = "1", page_size = PAGE_SIZE } = query;
  if (!/^0*[1-9]\d{0,8}$/.test(page)) throw noSuchPage();
  return { page: Number(page), pageSize: Math.min(page_size, MAX_PAGE_SIZE) };
}

/**
 * The URLs of the pages beside one.
 * @param url without its query
 * @throws DomainError `not_found` where the page is behind the last one
 */
export function pageLinks(
  url: string,
  query: object,
  { page, pageSize }: PageNumbers,
  count: number,
): { next: string | null; previous: string | null } {
  if (page > 1 && (page - 1) * pageSize >= count) throw noSuchPage();
  const linkTo = (number: number) => {
    const search = new URLSearchParams(
      Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
    );
    search.delete("page");
    if (number > 1) search.set("page", String(number));
    return search.size > 0 ? `${url}?${search}` : url;
  };
  return {
    next: page * pageSize < count ? linkTo(page + 1) : null,
    previous: page > 1 ? linkTo(page - 1) : null,
  };
}

function noSuchPage(): DomainError {
  return new DomainError("not_found", "Invalid page.");
}

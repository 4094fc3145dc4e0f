/** The parts of the OpenAPI document that its operations share. */
import { problems } from "./errors.ts";
import { exampleOf, hasExample, type JsonSchema } from "./examples.ts";
import { REQUEST_ID_HEADER } from "./request-id.ts";
import { STATUS_CODES } from "./status-codes.ts";

/** Marks an operation that can be called without a body. */
export const OPTIONAL_BODY = "x-optional-body";

interface Media {
  schema?: JsonSchema;
  example?: unknown;
  examples?: object;
}

interface Response {
  $ref?: string;
  description?: string;
  headers?: Record<string, object>;
  content?: Record<string, Media>;
}

interface Operation {
  requestBody?: { required?: boolean; content?: Record<string, Media> };
  /** @fastify/swagger marks every body as required. */
  [OPTIONAL_BODY]?: true;
  responses?: Record<string, Response>;
}

export const HEADERS = {
  RequestId: {
    description: "The id of this request, as the logs of the service show it.",
    schema: { type: "string" },
    example: "019c1f3e-7f0a-7c11-9d43-6d0b2c1a9e55",
  },
  RetryAfter: {
    description: "Seconds to wait before the next attempt.",
    schema: { type: "integer" },
    example: 5,
  },
  Challenge: {
    description: "The accepted scheme.",
    schema: { type: "string" },
    example: 'Bearer realm="rowmill"',
  },
} as const;

const refTo = (kind: string, name: string) => ({ $ref: `#/components/${kind}/${name}` });

const requestId = { [REQUEST_ID_HEADER]: refTo("headers", "RequestId") };
const retryAfter = { "Retry-After": refTo("headers", "RetryAfter") };

/** The headers of some errors. Node.js itself answers 431, so its answer has no request id. */
const ERROR_HEADERS: Readonly<Record<string, Record<string, { $ref: string }>>> = {
  401: { ...requestId, "WWW-Authenticate": refTo("headers", "Challenge") },
  429: { ...requestId, ...retryAfter },
  431: {},
  503: { ...requestId, ...retryAfter },
};

const ERROR_STATUSES = [400, 401, 403, 404, 408, 409, 413, 415, 416, 422, 429];

const nameOf = (status: string) => STATUS_CODES[status]?.replaceAll(" ", "") ?? status;

/** The shared responses, one per error status. */
export const RESPONSES = Object.fromEntries(
  Object.entries(problems(...ERROR_STATUSES)).map(([status, { description = "" }]) => [
    nameOf(status),
    {
      description,
      headers: ERROR_HEADERS[status] ?? requestId,
      content: { "application/problem+json": { schema: refTo("schemas", "Problem") } },
    },
  ]),
);

/** Replaces error responses by shared ones, documents the request id, and completes examples and enums. */
export function finishDocument<D extends { paths?: object; components?: { schemas?: object } }>(
  document: D,
): D {
  const schemas = (document.components?.schemas ?? {}) as Record<string, JsonSchema>;
  const paths: Record<string, Record<string, Operation>> = { ...document.paths };
  typeEnums([schemas, paths]);
  for (const operation of Object.values(paths).flatMap((path) => Object.values(path))) {
    const { requestBody, responses = {} } = operation;
    if (requestBody && operation[OPTIONAL_BODY]) requestBody.required = false;
    delete operation[OPTIONAL_BODY];
    addExamples(requestBody?.content, schemas);
    for (const [status, response] of Object.entries(responses)) {
      if (Number(status) >= 400) {
        responses[status] = refTo("responses", nameOf(status));
        continue;
      }
      if (response.description === "Default Response") response.description = STATUS_CODES[status] ?? "OK";
      response.headers = { ...requestId, ...response.headers };
      addExamples(response.content, schemas);
    }
  }
  // Parts that are shared in memory would become aliases in YAML.
  return JSON.parse(JSON.stringify(document));
}

function addExamples(content: Record<string, Media> = {}, schemas: Record<string, JsonSchema>): void {
  for (const media of Object.values(content)) {
    const { schema, example, examples } = media;
    if (!schema || example !== undefined || examples || hasExample(schema, schemas)) continue;
    const built = exampleOf(schema, schemas);
    if (built !== undefined) media.example = built;
  }
}

/** Adds `type: string` to enums of texts, which typebox leaves out and code generators need. */
function typeEnums(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  const { enum: values, type } = value as { enum?: unknown; type?: unknown };
  if (Array.isArray(values) && type === undefined && values.every((one) => typeof one === "string"))
    Object.assign(value, { type: "string" });
  for (const inner of Object.values(value)) typeEnums(inner);
}

/** Removes fields with a default from `required`, because clients can leave them out. */
export function withoutDefaultsRequired(schema: unknown): unknown {
  const { properties = {}, required } = schema as {
    properties?: Record<string, object>;
    required?: string[];
  };
  if (!required) return schema;
  const demanded = required.filter((name) => !("default" in (properties[name] ?? {})));
  return { ...(schema as object), required: demanded };
}

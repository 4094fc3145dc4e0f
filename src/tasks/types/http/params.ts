/** The parameters of http tasks, with the rules that a schema cannot express. */
import Type, { type Static } from "typebox";
import type { Config } from "../../../config/config.ts";
import { invalidField } from "../../../errors.ts";
import { MapOf } from "../../../platform/http/schemas.ts";
import { checkHeaders, HEADER_VALUE } from "../../../platform/http-client/check-request.ts";
import { DestinationRefused, parseDestination } from "../../../platform/http-client/destination.ts";
import { SECRET_NAME } from "../../../secrets/names.ts";
import { requireNoSecrets } from "../../../secrets/require-known-secrets.ts";

const MAX_BODY_BYTES = 256 * 1024;
const MAX_HEADERS_BYTES = 16 * 1024;
const DAY_SECONDS = 86_400;
const BASE64_PATTERN = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$";

const backoff = Type.Object(
  {
    min_seconds: Type.Optional(
      Type.Number({
        minimum: 1,
        maximum: 3600,
        description: "The delay before the first retry. Absent: 10.",
      }),
    ),
    max_seconds: Type.Optional(
      Type.Number({ minimum: 1, maximum: 3600, description: "The longest delay. Absent: 3600." }),
    ),
    factor: Type.Optional(
      Type.Number({
        minimum: 1,
        maximum: 10,
        description: "Each delay is this many times the one before. Absent: 2.",
      }),
    ),
    jitter: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 1,
        description:
          "Each delay varies by this part of it, so that tasks do not come back together. Absent: 0.2.",
      }),
    ),
  },
  {
    additionalProperties: false,
    description: "The delays before retries. `max_retries` of the task is their number.",
    examples: [{ min_seconds: 10, factor: 2, max_seconds: 3600, jitter: 0.2 }],
  },
);

const rate = Type.Object(
  {
    per_second: Type.Number({
      minimum: 0.001,
      maximum: 1000,
      description: "Requests that start per second.",
    }),
  },
  {
    additionalProperties: false,
    description: "The task starts only if your http tasks to the same host keep this rate.",
    examples: [{ per_second: 5 }],
  },
);

export const httpParams = Type.Object({
  url: Type.String({
    minLength: 1,
    maxLength: 2000,
    description: "The URL. It begins with `https://`, on port 80, 443, or 1024 and higher.",
    examples: ["https://worker.example.com/orders"],
  }),
  method: Type.Enum(["POST", "GET", "PUT", "PATCH", "DELETE"], {
    default: "POST",
    description: "The method.",
  }),
  headers: Type.Optional(
    MapOf(Type.Union([Type.String({ maxLength: 4096 }), Type.Number()]), {
      maxProperties: 30,
      description:
        "Headers of the request. `{{secret:NAME}}` in a value stands for a secret that an admin has set. Names that HTTP needs, " +
        "`webhook-` and `rowmill-` are refused.",
      examples: [{ "x-tenant": "shop" }],
    }),
  ),
  body: Type.Optional(
    Type.Unknown({
      description:
        "The body: JSON, or a text, which is sent as it is. Up to 256 KiB. Absent: the file of the task, or no body.",
      examples: [{ order: 4711 }],
    }),
  ),
  body_base64: Type.Optional(
    Type.String({
      maxLength: Math.ceil(MAX_BODY_BYTES / 3) * 4,
      pattern: BASE64_PATTERN,
      description: "The body as base64, instead of `body`.",
    }),
  ),
  success: Type.Optional(
    Type.Array(Type.String({ pattern: "^([2-5]xx|[2-5][0-9][0-9])$" }), {
      minItems: 1,
      maxItems: 20,
      description: "The statuses that count as success, such as `200` or `2xx`. Absent: `2xx`.",
    }),
  ),
  timeout_seconds: Type.Integer({
    minimum: 1,
    maximum: 600,
    default: 30,
    description: "The request must have its answer within this time.",
  }),
  retry_4xx: Type.Optional(
    Type.Boolean({
      description:
        "Whether all 4xx are retried. Absent: only 408, 425 and 429; any other 4xx fails the task at once.",
    }),
  ),
  backoff: Type.Optional(backoff),
  max_duration_seconds: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 30 * DAY_SECONDS,
      description:
        "No retry starts later than this after the first request. Absent: no limit but `max_retries`.",
    }),
  ),
  rate: Type.Optional(rate),
  concurrency: Type.Integer({
    minimum: 1,
    maximum: 100,
    default: 5,
    description: "The task starts only while fewer of your http tasks to the same host run.",
  }),
  sign_with: Type.Optional(
    Type.String({
      pattern: SECRET_NAME,
      description: "The name of a secret. The request is signed with it, as Standard Webhooks requires.",
    }),
  ),
});

export type HttpParams = Static<typeof httpParams>;

const VALUE = new RegExp(HEADER_VALUE);

/** In addition to the names that no user can set. */
const RESERVED = /^(rowmill-.*|traceparent|tracestate|content-length)$/;
const FREE = ["content-type", "content-encoding", "content-language", "content-disposition", "content-md5"];

/** @throws DomainError `invalid_input` */
export function checkHttpParams(config: Config, params: HttpParams, field: string): void {
  checkUrl(config, params.url, `${field}.url`);
  const { body, body_base64, method, backoff } = params;
  requireNoSecrets(params.url, `${field}.url`);
  if (body !== undefined) requireNoSecrets(JSON.stringify(body), `${field}.body`);
  const headers = headersOf(params);
  checkHeaders(headers, { field: `${field}.headers`, reserved: RESERVED, free: FREE });
  const wrong = Object.keys(headers).find((name) => !VALUE.test(headers[name] ?? ""));
  if (wrong !== undefined) {
    throw invalidField(
      `${field}.headers.${wrong}`,
      "must be visible ASCII characters, without line breaks and without spaces at its ends.",
    );
  }
  const headerBytes = Buffer.byteLength(JSON.stringify(headers));
  if (headerBytes > MAX_HEADERS_BYTES)
    throw invalidField(
      `${field}.headers`,
      `has ${headerBytes} bytes of JSON. The limit is ${MAX_HEADERS_BYTES}.`,
    );
  const hasBody = body !== undefined || body_base64 !== undefined;
  if (method === "GET" && hasBody) throw invalidField(`${field}.body`, "must be absent: GET has no body.");
  if (body !== undefined && body_base64 !== undefined)
    throw invalidField(`${field}.body_base64`, "cannot be combined with `body`. Send one of them.");
  const bytes = bodyOf(params)?.content.length ?? 0;
  if (bytes > MAX_BODY_BYTES)
    throw invalidField(
      `${field}.body`,
      `has ${bytes} bytes. The limit is ${MAX_BODY_BYTES}; send a file instead.`,
    );
  if ((backoff?.min_seconds ?? 0) > (backoff?.max_seconds ?? Number.POSITIVE_INFINITY))
    throw invalidField(`${field}.backoff.min_seconds`, "must not be more than `max_seconds`.");
}

/** The address behind the name is checked when the request is sent. */
function checkUrl(config: Config, url: string, field: string): void {
  try {
    parseDestination(url, config.egress);
  } catch (error) {
    if (error instanceof DestinationRefused) throw invalidField(field, error.message, error);
    throw error;
  }
}

/** A template that is a whole value can result in a number. */
export function headersOf({ headers = {} }: HttpParams): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}

interface Body {
  readonly content: Buffer;
  readonly mediaType: string;
}

/** Returns the body in the parameters; null if they have none. */
export function bodyOf({ body, body_base64 }: HttpParams): Body | null {
  if (body_base64 !== undefined)
    return { content: Buffer.from(body_base64, "base64"), mediaType: "application/octet-stream" };
  if (body === undefined) return null;
  if (typeof body === "string") return { content: Buffer.from(body), mediaType: "text/plain; charset=utf-8" };
  return { content: Buffer.from(JSON.stringify(body)), mediaType: "application/json" };
}

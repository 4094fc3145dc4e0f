/** Every error as RFC 9457 problem details, with `error` and `field_errors` beside them. 5xx never shows internals. */
import { STATUS_CODES } from "node:http";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import Type from "typebox";
import { DomainError, type ErrorCode, type FieldErrors } from "../../errors.ts";
import { isDatabaseUnavailable, postgresError } from "../postgres/database.ts";
import { SQLSTATE } from "../sqlstates.ts";
import { BEARER_CHALLENGE } from "./auth.ts";
import { REQUEST_ID_HEADER } from "./request-id.ts";

export const STATUS: Record<ErrorCode, number> = {
  invalid_input: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  key_reused: 422,
  too_large: 413,
  unsupported_media_type: 415,
  too_many_attempts: 429,
};

export const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String({ description: "The status in words." }),
    status: Type.Integer(),
    code: Type.String({ description: "Stable, for programs." }),
    detail: Type.String({ description: "What is wrong and what to do, for people." }),
    error: Type.String({ description: "The same as `detail`." }),
    field_errors: Type.Record(Type.String(), Type.Array(Type.String()), {
      description: "What is wrong with each field.",
    }),
    request_id: Type.Optional(
      Type.String({
        description: "With status 5xx: the id under which the error is logged, as in `X-Request-Id`.",
      }),
    ),
  },
  { $id: "Problem", description: "Problem details (RFC 9457)." },
);

const MEANING: Record<number, string> = {
  400: "The input is wrong; `field_errors` names the field.",
  401: "No proof of who is calling, or one that is not valid (any more).",
  403: "Not allowed.",
  404: "There is none, or it is somebody else's.",
  409: "Not possible in the present state.",
  413: "Over a limit; `detail` names it.",
  415: "Not a media type that is understood here.",
  416: "`Range` asks for bytes that there are none of; `Content-Range` tells how many there are.",
  422: "The Idempotency-Key stood for another request.",
  429: "Too many failed attempts; `Retry-After` says when to try again.",
  500: "A mistake of ours; it is logged.",
  503: "The database can't be reached or the service is overloaded; try again after `Retry-After` seconds.",
};

/** Response schemas for a route's errors. */
export function problems(...statuses: (keyof typeof MEANING)[]) {
  const content = { "application/problem+json": { schema: Type.Ref("Problem") } };
  return Object.fromEntries(
    [...statuses, 500, 503].map((status) => [status, { description: MEANING[status], content }]),
  );
}

export function sendProblem(
  reply: FastifyReply,
  status: number,
  code: string,
  detail: string,
  fieldErrors: FieldErrors = {},
): FastifyReply {
  return reply
    .code(status)
    .type("application/problem+json")
    .send({
      type: "about:blank",
      title: STATUS_CODES[status],
      status,
      code,
      detail,
      error: detail,
      field_errors: fieldErrors,
      ...(status >= 500 ? { request_id: reply.request.id } : {}),
    });
}

export function handleErrors(app: FastifyInstance): void {
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    if (error instanceof DomainError) {
      if (error.retryAfterSeconds !== undefined)
        reply.header("retry-after", Math.ceil(error.retryAfterSeconds));
      if (error.code === "unauthenticated" && !reply.hasHeader("www-authenticate"))
        reply.header("www-authenticate", BEARER_CHALLENGE);
      return sendProblem(reply, STATUS[error.code], error.code, error.message, error.fieldErrors);
    }
    if (error.validation) {
      const fieldErrors = validationErrors(error);
      const detail = Object.entries(fieldErrors).map(([field, texts]) => `${field}: ${texts.join(", ")}`);
      return sendProblem(reply, 400, "invalid_input", detail.join("; "), fieldErrors);
    }
    if (isDatabaseUnavailable(error)) {
      request.log.error({ err: error }, "the database can't be reached");
      reply.header("retry-after", 5);
      return sendProblem(
        reply,
        503,
        "unavailable",
        "The database can't be reached right now. Try again in a moment.",
      );
    }
    if (postgresError(error)?.code === SQLSTATE.lockNotAvailable) {
      request.log.warn({ err: error }, "a lock was not let go in time");
      reply.header("retry-after", 5);
      const busy = "Something else is still changing the same thing. Try again in a moment.";
      return sendProblem(reply, 503, "unavailable", busy);
    }
    const status = error.statusCode ?? 500;
    if (status < 500) return sendProblem(reply, status, codeOf(status), error.message);
    request.log.error({ err: error }, "request failed");
    if (status === 503)
      return sendProblem(reply, 503, "unavailable", "The service is overloaded. Try again in a moment.");
    return sendProblem(
      reply,
      500,
      "internal",
      `Internal error. It has been logged with request id ${request.id}.`,
    );
  });
  app.setNotFoundHandler((request, reply) => sendProblem(reply, 404, "not_found", nowhere(request)));
}

/** For `frameworkErrors`: what a URL is refused for before there is a route; one with a part that is too long names nothing. */
export function refuseUrl(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const status = error.code === "FST_ERR_BAD_URL" ? 400 : 404;
  const detail =
    status === 400 ? "The URL can't be read: it has a `%` that begins no character." : nowhere(request);
  // No hook runs for such a request.
  reply.header(REQUEST_ID_HEADER, request.id);
  sendProblem(reply, status, codeOf(status), detail);
}

function nowhere({ method, url }: FastifyRequest): string {
  return `There is no ${method} ${url.split("?")[0]}. See /docs for what there is.`;
}

/** For errors of the framework, such as a body that is not JSON. */
function codeOf(status: number): ErrorCode {
  const codes = Object.keys(STATUS) as ErrorCode[];
  return codes.find((code) => STATUS[code] === status) ?? "invalid_input";
}

function validationErrors(error: FastifyError): FieldErrors {
  const fieldErrors: FieldErrors = {};
  for (const { instancePath, keyword, message, params } of error.validation ?? []) {
    const missing = keyword === "required" ? String(params.missingProperty) : "";
    const field =
      [instancePath.slice(1).replaceAll("/", "."), missing].filter(Boolean).join(".") ||
      error.validationContext ||
      "body";
    const allowed = Array.isArray(params.allowedValues) ? `: ${params.allowedValues.join(", ")}` : "";
    const text = missing ? "is required" : `${message}${allowed}`;
    fieldErrors[field] = [...(fieldErrors[field] ?? []), text];
  }
  return fieldErrors;
}

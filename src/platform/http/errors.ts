/** Answers every error with RFC 9457 problem details, plus `error` and `field_errors`. A 5xx never shows internals. */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import Type from "typebox";
import { DomainError, type ErrorCode, type FieldErrors } from "../../errors.ts";
import { BEARER_CHALLENGE } from "./auth.ts";
import { isForPage, sendConsole } from "./console.ts";
import { databaseProblem } from "./database-problems.ts";
import { logRefusal } from "./log-refusal.ts";
import { collectMethods } from "./methods.ts";
import { REQUEST_ID_HEADER } from "./request-id.ts";
import { errorFormatter } from "./schema-errors.ts";
import { MapOf } from "./schemas.ts";
import { SECURITY_HEADERS } from "./security-headers.ts";
import { STATUS_CODES } from "./status-codes.ts";

export const STATUS: Record<ErrorCode, number> = {
  invalid_input: 400,
  unauthenticated: 401,
  forbidden: 403,
  account_disabled: 403,
  not_found: 404,
  too_slow: 408,
  conflict: 409,
  key_reused: 422,
  too_large: 413,
  unsupported_media_type: 415,
  too_many_attempts: 429,
  too_many_requests: 429,
  unavailable: 503,
};

export const Problem = Type.Object(
  {
    type: Type.String({ description: "Always `about:blank`.", examples: ["about:blank"] }),
    title: Type.String({ description: "The status in words.", examples: ["Bad Request"] }),
    status: Type.Integer({ description: "The HTTP status.", examples: [400] }),
    code: Type.String({
      description: "The kind of error, stable for programs.",
      examples: ["invalid_input"],
    }),
    detail: Type.String({
      description: "The problem and the way out, for people.",
      examples: ["limit: must be at most 1000."],
    }),
    error: Type.String({ description: "The same as `detail`.", examples: ["limit: must be at most 1000."] }),
    field_errors: MapOf(Type.Array(Type.String()), {
      description: "The problems of each invalid field.",
      examples: [{ limit: ["must be at most 1000."] }],
    }),
    request_id: Type.Optional(
      Type.String({
        description: "For a status of 5xx: the id of the request, as in the log and in `x-request-id`.",
        examples: ["019c1f3e-7f0a-7c11-9d43-6d0b2c1a9e55"],
      }),
    ),
  },
  {
    $id: "Problem",
    description: "Problem details (RFC 9457).",
    examples: [
      {
        type: "about:blank",
        title: "Bad Request",
        status: 400,
        code: "invalid_input",
        detail: "limit: must be at most 1000.",
        error: "limit: must be at most 1000.",
        field_errors: { limit: ["must be at most 1000."] },
      },
    ],
  },
);

const RETRY_AFTER_SECONDS = 5;

const MEANING: Record<number, string> = {
  400: "The request is invalid; `field_errors` names the field.",
  401: "The credentials are missing, invalid or expired.",
  403: "You are not allowed to do this, or your account is disabled.",
  404: "The resource does not exist, or it belongs to another user.",
  405: "The path does not have this method; `Allow` lists its methods.",
  408: "The body arrived too slowly; `detail` names the limit.",
  409: "The current state does not allow this.",
  413: "The request exceeds a limit; `detail` names it.",
  415: "The media type of the body is not supported.",
  416: "`Range` asks for bytes beyond the end; `Content-Range` has the size.",
  422: "The Idempotency-Key was used for a different request.",
  429: "Too many attempts, or too many requests or tasks at once; `detail` names the limit. Try again after `Retry-After` seconds.",
  431: "The URL and the headers are larger than 16 kB together.",
  500: "Internal error. It has been logged.",
  503: "The database or the service cannot do this right now; `detail` has the reason. Try again after `Retry-After` seconds.",
};

/** The error statuses of every route. */
const ANYWHERE = [431, 500, 503];

const content = { "application/problem+json": { schema: Type.Ref("Problem") } };

/** Returns the response schemas for the errors of a route. A disabled account gets 403 wherever there is a 401. */
export function problems(...statuses: (keyof typeof MEANING)[]) {
  const ofDisabled = statuses.includes(401) ? [403] : [];
  return Object.fromEntries(
    [...statuses, ...ofDisabled, ...ANYWHERE].map((status) => [
      status,
      { description: MEANING[status], content },
    ]),
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
      ...problemOf(status, code, detail, fieldErrors),
      ...(status >= 500 ? { request_id: reply.request.id } : {}),
    });
}

/** Builds problem details (RFC 9457). */
export function problemOf(status: number, code: string, detail: string, fieldErrors: FieldErrors = {}) {
  return {
    type: "about:blank",
    title: STATUS_CODES[status],
    status,
    code,
    detail,
    error: detail,
    field_errors: fieldErrors,
  };
}

/** @param consoleFolder for people who open a path without a route; absent: they get a problem as programs do */
export function handleErrors(app: FastifyInstance, consoleFolder?: string): void {
  app.setSchemaErrorFormatter(errorFormatter());
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    // The rest of a refused body is read for a moment, so that the client can read the answer.
    if (request.arrivingBody) reply.removeHeader("connection");
    if (error instanceof DomainError) {
      logRefusal(request, error);
      if (error.retryAfterSeconds !== undefined)
        reply.header("retry-after", Math.ceil(error.retryAfterSeconds));
      if (error.code === "unauthenticated" && !reply.hasHeader("www-authenticate"))
        reply.header("www-authenticate", BEARER_CHALLENGE);
      return sendProblem(reply, STATUS[error.code], error.code, error.message, error.fieldErrors);
    }

    if (isFromClient(error, request)) {
      request.log.info({ err: error }, "the client disconnected");
      return sendProblem(reply, 400, "invalid_input", "The connection ended before the end of the request.");
    }
    const problem = databaseProblem(error);
    if (problem) {
      request.log[problem.level]({ err: error }, problem.title);
      reply.header("retry-after", RETRY_AFTER_SECONDS);
      return sendProblem(reply, 503, "unavailable", problem.detail);
    }
    if (error.code === "FST_ERR_CTP_BODY_TOO_LARGE") {
      const max = request.routeOptions.bodyLimit;
      return sendProblem(
        reply,
        413,
        "too_large",
        `The body is larger than ${max} bytes, the limit of this endpoint.`,
      );
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
  const methodsOf = collectMethods(app);
  app.setNotFoundHandler((request, reply) => {
    const methods = methodsOf(request.url);
    // A route for files may have none at a path.
    if (methods.length === 0 || methods.includes(request.method)) {
      if (consoleFolder && isForPage(request)) return sendConsole(reply, consoleFolder, 404);
      return sendProblem(reply, 404, "not_found", noRoute(request));
    }
    const detail = `${request.method} is not a method of this path. Its methods: ${methods.join(", ")}.`;
    reply.header("allow", methods.join(", "));
    return sendProblem(reply, 405, "method_not_allowed", detail);
  });
}

/** Whether the connection of the request failed, and not one to the database. */
function isFromClient(error: Error, { raw }: FastifyRequest): boolean {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause === raw.errored) return true;
  }
  return false;
}

/** For `frameworkErrors`: answers URLs that match no route because they cannot be decoded or a part is too long. */
export function refuseUrl(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const status = error.code === "FST_ERR_BAD_URL" ? 400 : 404;
  const detail =
    status === 400
      ? "The URL has a `%` that does not begin an encoded character. Write it as `%25`."
      : noRoute(request);
  // No hook runs for such a request.
  reply.headers({ ...SECURITY_HEADERS, [REQUEST_ID_HEADER]: request.id });
  sendProblem(reply, status, codeOf(status), detail);
}

function noRoute({ method, url }: FastifyRequest): string {
  return `No endpoint ${method} ${url.split("?")[0]}. /docs lists all endpoints.`;
}

/** Returns the code for an error of the framework, such as a body that is not JSON. */
function codeOf(status: number): ErrorCode {
  const codes = Object.keys(STATUS) as ErrorCode[];
  return codes.find((code) => STATUS[code] === status) ?? "invalid_input";
}

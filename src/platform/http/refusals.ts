/** Logs refusals that matter for security: wrong credentials, missing rights and exceeded limits. */
import type { FastifyRequest } from "fastify";
import type { DomainError, ErrorCode } from "../../errors.ts";

const LOGGED: ReadonlySet<ErrorCode> = new Set([
  "unauthenticated",
  "forbidden",
  "account_disabled",
  "too_many_attempts",
  "too_many_requests",
]);

/** The log has the pattern of the route, because a path can have names. */
export function logRefusal(request: FastifyRequest, { code }: DomainError): void {
  if (!LOGGED.has(code)) return;
  const { login, ip, method, routeOptions } = request;
  request.log.info(
    { code, userId: login?.user.id, credentials: login?.proof, address: ip, method, route: routeOptions.url },
    "request refused",
  );
}

/** Logs refusals that matter for security: wrong credentials, missing rights and exceeded limits. */
import type { FastifyRequest } from "fastify";
import type { DomainError, ErrorCode } from "../../errors.ts";
import { routeTemplate } from "./route-template.ts";

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
  const credentials = login?.proof ?? schemeOf(request);
  request.log.info(
    {
      code,
      userId: login?.user.id,
      credentials,
      address: ip,
      method,
      route: routeTemplate(routeOptions.url),
    },
    "request refused",
  );
}

/** The kind of credentials that were refused; undefined for a cookie, a login or no credentials. */
function schemeOf({ headers }: FastifyRequest): string | undefined {
  return /^(?:basic|bearer|token)(?= )/i.exec(headers.authorization ?? "")?.[0].toLowerCase();
}

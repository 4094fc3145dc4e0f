import helmet from "@fastify/helmet";
import type { FastifyInstance } from "fastify";
import type { Config } from "../../config/config.ts";
import { isSecure } from "./cookies.ts";

const YEAR_SECONDS = 31_536_000;
/** Answers are data. A browser that opens one as a page loads nothing, and shows it in no frame. */
const NO_CONTENT_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** For answers to requests that no hook sees. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "content-security-policy": NO_CONTENT_POLICY,
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** Adds the headers that protect browsers, and keeps answers out of every cache unless their route says otherwise. */
export async function registerSecurityHeaders(app: FastifyInstance, config: Config): Promise<void> {
  await app.register(helmet, { contentSecurityPolicy: false, strictTransportSecurity: false });
  app.addHook("onSend", async (request, reply) => {
    if (!reply.hasHeader("cache-control")) reply.header("cache-control", "no-store");
    if (!reply.hasHeader("content-security-policy"))
      reply.header("content-security-policy", NO_CONTENT_POLICY);
    if (isSecure(request, config))
      reply.header("strict-transport-security", `max-age=${YEAR_SECONDS}; includeSubDomains`);
  });
}

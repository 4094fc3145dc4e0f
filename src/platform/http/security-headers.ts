import helmet from "@fastify/helmet";
import type { FastifyInstance } from "fastify";
import type { Config } from "../../config/config.ts";
import { isSecure } from "./cookies.ts";

const YEAR_SECONDS = 31_536_000;

/** Adds the headers that protect browsers, and keeps answers out of every cache unless their route says otherwise. */
export async function registerSecurityHeaders(app: FastifyInstance, config: Config): Promise<void> {
  await app.register(helmet, { contentSecurityPolicy: false, strictTransportSecurity: false });
  app.addHook("onSend", async (request, reply) => {
    if (!reply.hasHeader("cache-control")) reply.header("cache-control", "no-store");
    if (isSecure(request, config))
      reply.header("strict-transport-security", `max-age=${YEAR_SECONDS}; includeSubDomains`);
  });
}

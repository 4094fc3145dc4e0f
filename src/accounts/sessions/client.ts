import type { FastifyRequest } from "fastify";

/** The client of a session, as its user may recognize it. */
export interface SessionClient {
  readonly address: string;
  readonly userAgent: string;
}

const MAX_USER_AGENT = 200;

/** Returns the address and the browser of a request, as sessions show them. */
export function sessionClientOf({ ip, headers }: FastifyRequest): SessionClient {
  const userAgent = (headers["user-agent"] ?? "").replace(/[^\x20-\x7e]/g, "").slice(0, MAX_USER_AGENT);
  return { address: ip, userAgent };
}

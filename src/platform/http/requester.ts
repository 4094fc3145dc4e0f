/** Names who sends a request, for limits that apply per user or, before a login, per address. */
import type { FastifyRequest } from "fastify";
import { clientNetwork } from "./client-network.ts";

/** Returns the account, or the network of a client without a login. */
export function requesterOf({ user, ip }: FastifyRequest): string {
  return user ? `user ${user.id}` : `address ${clientNetwork(ip)}`;
}

import type { FastifyReply } from "fastify";
import type { Context } from "../context.ts";
import { setSessionCookies } from "../platform/http/cookies.ts";
import type { Caller } from "../schema/accounts.ts";
import { rememberDevice } from "./known-devices.ts";
import { openSession } from "./sessions.ts";

export interface SessionTokens {
  readonly access: string;
  readonly refresh: string;
}

/**
 * Creates the tokens of an authenticated user and sets them as cookies.
 * @param refresh the next token of a login that exists; absent for a new login
 */
export async function startSession(
  ctx: Context,
  reply: FastifyReply,
  user: Caller,
  refresh?: string,
): Promise<SessionTokens> {
  const access = await reply.jwtSign({ sub: String(user.id), name: user.username, role: user.role });
  const tokens = { access, refresh: refresh ?? (await openSession(ctx, user.id)) };
  if (refresh === undefined) rememberDevice(reply, ctx.config, user.id);
  setSessionCookies(reply, ctx.config, tokens.access, tokens.refresh);
  return tokens;
}

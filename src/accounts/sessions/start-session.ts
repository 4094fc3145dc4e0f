import type { FastifyReply } from "fastify";
import type { Context } from "../../context.ts";
import { setSessionCookies } from "../../platform/http/cookies.ts";
import type { Caller } from "../../schema/accounts.ts";
import { rememberDevice } from "../known-devices.ts";
import { sessionClientOf } from "./client.ts";
import { type OpenedSession, openSession, type VerifiedUser } from "./open-session.ts";
import { rotateSession } from "./rotate-session.ts";

export interface SessionTokens {
  readonly access: string;
  readonly refresh: string;
}

/** Starts a session of a user who has logged in or signed up, and sets its tokens as cookies. */
export async function startSession(
  ctx: Context,
  reply: FastifyReply,
  user: VerifiedUser,
): Promise<SessionTokens> {
  const tokens = await giveTokens(
    ctx,
    reply,
    user,
    await openSession(ctx, user, sessionClientOf(reply.request)),
  );
  rememberDevice(reply, ctx.config, user.id);
  return tokens;
}

/**
 * Exchanges a refresh token for new tokens, and sets them as cookies.
 * @throws DomainError `unauthenticated`, `account_disabled`
 */
export async function refreshSession(
  ctx: Context,
  reply: FastifyReply,
  token: string,
): Promise<SessionTokens & { user: Caller }> {
  const { user, ...session } = await rotateSession(ctx, token, sessionClientOf(reply.request));
  return { ...(await giveTokens(ctx, reply, user, session)), user };
}

async function giveTokens(
  { config }: Context,
  reply: FastifyReply,
  { id }: VerifiedUser,
  { sessionId, refresh }: OpenedSession,
): Promise<SessionTokens> {
  const access = await reply.jwtSign({ sub: String(id), sid: sessionId });
  setSessionCookies(reply, config, access, refresh);
  return { access, refresh };
}

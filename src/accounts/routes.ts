import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { FastifyRequest } from "fastify";
import Type from "typebox";
import type { Context } from "../context.ts";
import { DomainError } from "../errors.ts";
import { refusalOf } from "../mails/outbox/queries.ts";
import { authenticate, clientOf, requireSameOrigin, SECURITY } from "../platform/http/auth.ts";
import { emptyBodyIsEmpty } from "../platform/http/body.ts";
import { clearSessionCookies, refreshCookie } from "../platform/http/cookies.ts";
import { problems } from "../platform/http/errors.ts";
import type { Caller } from "../schema/accounts.ts";
import { accountGone } from "./account-state.ts";
import { hasConfirmed } from "./confirmed-address.ts";
import { logIn } from "./log-in.ts";
import { callerOf, findById } from "./queries.ts";
import { Credentials, NewAccount } from "./schemas.ts";
import { logOut } from "./sessions/end-sessions.ts";
import { refreshSession, type SessionTokens, startSession } from "./sessions/start-session.ts";
import { signUp } from "./sign-up.ts";
import { OwnAccountView, SessionView } from "./views.ts";

const RefreshBody = Type.Object(
  {
    refresh: Type.Optional(
      Type.String({
        maxLength: 200,
        description: "The refresh token. Absent: the cookie is used.",
        examples: ["yTq0p4n7r9s2"],
      }),
    ),
  },
  { additionalProperties: false },
);

export function accountRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  const { config } = ctx;
  const sessionOf = (user: Caller, tokens: SessionTokens) => ({
    ...tokens,
    expires_in: config.accessTokenTtlSeconds,
    user,
  });

  return async (app) => {
    app.post(
      "/api/v1/auth/signup",
      {
        schema: {
          tags: ["auth"],
          operationId: "signUp",
          summary: "Create an account",
          description: "Also logs in: returns tokens and sets them as httpOnly cookies for browsers.",
          body: NewAccount,
          response: { 201: SessionView, ...problems(400, 409, 413, 415, 429) },
        },
      },
      async ({ ctx, body, ip: address }, reply) => {
        const { username, password, email } = body;
        const { passwordMinLength } = config;
        const user = await signUp(ctx, { username, password, email, passwordMinLength, address });
        return reply.code(201).send(sessionOf(user, await startSession(ctx, reply, user)));
      },
    );

    app.post(
      "/api/v1/auth/login",
      {
        schema: {
          tags: ["auth"],
          operationId: "logIn",
          summary: "Log in",
          description:
            "Starts a session. Returns its tokens and sets them as httpOnly cookies for browsers. A disabled account is " +
            "refused with 403 `account_disabled` after the right password.",
          body: Credentials,
          response: { 200: SessionView, ...problems(400, 401, 403, 413, 415, 429) },
        },
      },
      async (request, reply) => {
        const { ctx, body } = request;
        const account = await logIn(ctx, { ...body, ...clientOf(request) });
        return sessionOf(callerOf(account), await startSession(ctx, reply, account));
      },
    );

    app.post(
      "/api/v1/auth/refresh",
      {
        preValidation: emptyBodyIsEmpty,
        schema: {
          tags: ["auth"],
          operationId: "refreshSession",
          summary: "Get new tokens for a refresh token",
          description:
            "A refresh token works once. The same client may repeat its last refresh for 10 seconds, and gets the same " +
            "refresh token again. Any other use of an old token ends the session.",
          body: RefreshBody,
          response: { 200: SessionView, ...problems(400, 401, 403, 413, 415) },
        },
      },
      async (request, reply) => {
        const { ctx } = request;
        const { user, ...tokens } = await refreshSession(ctx, reply, refreshTokenOf(request));
        return sessionOf(user, tokens);
      },
    );

    app.post(
      "/api/v1/auth/logout",
      {
        preValidation: emptyBodyIsEmpty,
        schema: {
          tags: ["auth"],
          operationId: "logOut",
          summary: "Log out",
          description:
            "Ends the session of the refresh token: its access tokens and event streams end within 100 ms.",
          body: RefreshBody,
          response: {
            204: Type.Null({ description: "You are logged out." }),
            ...problems(400, 401, 403, 413, 415),
          },
        },
      },
      async (request, reply) => {
        const { ctx } = request;
        await logOut(ctx, refreshTokenOf(request));
        clearSessionCookies(reply, config);
        return reply.code(204).send(null);
      },
    );

    app.get(
      "/api/v1/auth/me",
      {
        onRequest: authenticate(config),
        schema: {
          tags: ["auth"],
          operationId: "getCurrentUser",
          summary: "Get your account",
          description: "Returns the user that the credentials belong to.",
          security: SECURITY,
          response: { 200: OwnAccountView, ...problems(401) },
        },
      },
      async ({ ctx, user }) => {
        const account = await findById(ctx, user.id);
        if (!account) throw accountGone();
        const { email, firstName, lastName } = account;
        const refusal = email === "" ? null : await refusalOf(ctx, email);
        const email_refusal = refusal?.reply ?? null;
        const email_confirmed = hasConfirmed(account);
        return { ...user, email, email_confirmed, first_name: firstName, last_name: lastName, email_refusal };
      },
    );
  };

  function refreshTokenOf(request: FastifyRequest): string {
    const { refresh } = (request.body ?? {}) as { refresh?: string };
    if (refresh) return refresh;
    const fromCookie = refreshCookie(request, config);
    if (!fromCookie)
      throw new DomainError("unauthenticated", "The request has no refresh token. Send it as `refresh`.");
    requireSameOrigin(request, config);
    return fromCookie;
  }
}

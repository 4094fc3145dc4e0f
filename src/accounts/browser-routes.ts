/** Logins of pages in a browser. The tokens are only in cookies, so that no script can read them. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { FastifyRequest } from "fastify";
import type { Context } from "../context.ts";
import { DomainError } from "../errors.ts";
import { clientOf, requireSameOrigin } from "../platform/http/auth.ts";
import { refreshCookie } from "../platform/http/cookies.ts";
import { problems } from "../platform/http/errors.ts";
import type { Caller } from "../schema/accounts.ts";
import { logIn } from "./log-in.ts";
import { callerOf } from "./queries.ts";
import { Credentials, NewAccount } from "./schemas.ts";
import { refreshSession, startSession } from "./sessions/start-session.ts";
import { signUp } from "./sign-up.ts";
import { BrowserSessionView } from "./views.ts";

const ONLY_OWN_PAGES =
  "Only pages of this site can use this endpoint. Programs use `/api/v1/auth/login`, which returns tokens.";

export function browserRoutes({ config }: Context): FastifyPluginAsyncTypebox {
  const viewSession = (user: Caller) => ({ expires_in: config.accessTokenTtlSeconds, user });

  return async (app) => {
    // Another site could otherwise log a visitor in to an account of its own.
    app.addHook("onRequest", async (request: FastifyRequest) =>
      requireSameOrigin(request, config, ONLY_OWN_PAGES),
    );

    app.post(
      "/api/v1/auth/browser/signup",
      {
        schema: {
          tags: ["auth"],
          operationId: "signUpBrowser",
          summary: "Create an account from a page of this site",
          description: "Also logs in: sets the tokens as httpOnly cookies. No script can read them.",
          body: NewAccount,
          response: { 201: BrowserSessionView, ...problems(400, 403, 409, 413, 415, 429) },
        },
      },
      async ({ ctx, body, ip: address }, reply) => {
        const { passwordMinLength } = config;
        const user = await signUp(ctx, { ...body, passwordMinLength, address });
        await startSession(ctx, reply, user);
        return reply.code(201).send(viewSession(user));
      },
    );

    app.post(
      "/api/v1/auth/browser/login",
      {
        schema: {
          tags: ["auth"],
          operationId: "logInBrowser",
          summary: "Log in from a page of this site",
          description:
            "Starts a session, and sets its tokens as httpOnly cookies. No script can read them. A disabled account is " +
            "refused with 403 `account_disabled` after the right password.",
          body: Credentials,
          response: { 200: BrowserSessionView, ...problems(400, 401, 403, 413, 415, 429) },
        },
      },
      async (request, reply) => {
        const { ctx, body } = request;
        const account = await logIn(ctx, { ...body, ...clientOf(request) });
        await startSession(ctx, reply, account);
        return viewSession(callerOf(account));
      },
    );

    app.post(
      "/api/v1/auth/browser/refresh",
      {
        schema: {
          tags: ["auth"],
          operationId: "refreshBrowserSession",
          summary: "Get new cookies for the cookie of a refresh token",
          description:
            "Takes the refresh token from its cookie, and sets new cookies. Two tabs can do so at the same time: the same " +
            "client may repeat its last refresh for 10 seconds.",
          response: { 200: BrowserSessionView, ...problems(400, 401, 403, 413, 415) },
        },
      },
      async (request, reply) => {
        const { ctx } = request;
        const token = refreshCookie(request, config);
        if (!token)
          throw new DomainError("unauthenticated", "The request has no cookie with a refresh token. Log in.");
        const { user } = await refreshSession(ctx, reply, token);
        return viewSession(user);
      },
    );
  };
}

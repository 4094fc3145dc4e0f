/** The account endpoints of the Django task queue service, with its paths, bodies and statuses. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type, { type Static } from "typebox";
import { logIn } from "../../accounts/log-in.ts";
import { Credentials, NewAccount } from "../../accounts/schemas.ts";
import { refreshSession, type SessionTokens, startSession } from "../../accounts/sessions/start-session.ts";
import { signUp } from "../../accounts/sign-up.ts";
import type { Context } from "../../context.ts";
import { invalidField } from "../../errors.ts";
import { isEmail } from "../../mails/addresses.ts";
import { clientOf } from "../../platform/http/auth.ts";
import { problems } from "../../platform/http/errors.ts";
import { speakAsDjango } from "../shared/django-errors.ts";
import { PersonName, sayTaken } from "../shared/registration.ts";

const { username, password } = NewAccount.properties;
const Registration = Type.Object(
  {
    username,
    email: Type.String({
      minLength: 1,
      maxLength: 254,
      description: "The email address.",
      examples: ["ada@example.com"],
    }),
    password,
    password2: Type.String({
      minLength: 1,
      description: "The password again.",
      examples: ["correct horse battery"],
    }),
    first_name: PersonName("The first name.", "Ada"),
    last_name: PersonName("The last name.", "Lovelace"),
  },
  { additionalProperties: false },
);

const Tokens = Type.Object(
  {
    refresh: Type.String({ description: "The refresh token. It works once.", examples: ["yTq0p4n7r9s2"] }),
    access: Type.String({
      description: "The access token. Send it as `Authorization: Bearer`.",
      examples: ["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.k5J2"],
    }),
  },
  { description: "The new tokens." },
);
const Session = Type.Object(
  {
    user: Type.Object(
      {
        id: Type.Integer({ description: "The id of the user.", examples: [1] }),
        username: Type.String({ description: "The name of the user.", examples: ["ada"] }),
        email: Type.String({ description: "The email address.", examples: ["ada@example.com"] }),
      },
      { description: "The user." },
    ),
    tokens: Tokens,
    message: Type.String({ description: "A confirmation.", examples: ["Login successful"] }),
  },
  { description: "You are logged in." },
);

export function taskQueueUserRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  const { config } = ctx;
  return async (app) => {
    speakAsDjango(app);
    const shared = { tags: ["legacy"] };

    app.post(
      "/api/users/register/",
      {
        schema: {
          ...shared,
          operationId: "legacyRegisterUser",
          summary: "Create an account",
          description: "Also logs in.",
          body: Registration,
          response: { 201: Session, ...problems(400, 413, 415, 429) },
        },
      },
      async ({ ctx, body, ip: address }, reply) => {
        const { username, email, password, password2, first_name: firstName, last_name: lastName } = body;
        if (!isEmail(email)) throw invalidField("email", "Enter a valid email address.");
        if (password2 !== password) throw invalidField("password2", "The two passwords differ.");
        const { passwordMinLength } = config;
        const account = { username, password, email, firstName, lastName, passwordMinLength, address };
        const user = await signUp(ctx, account).catch(sayTaken);
        const tokens = await startSession(ctx, reply, user);
        return reply.code(201).send(viewSession({ ...user, email }, tokens, "User registered successfully"));
      },
    );

    app.post(
      "/api/users/login/",
      {
        schema: {
          ...shared,
          operationId: "legacyLogInUser",
          summary: "Log in",
          description: "Returns tokens and sets them as httpOnly cookies for browsers.",
          body: Credentials,
          response: { 200: Session, ...problems(400, 401, 403, 413, 415, 429) },
        },
      },
      async (request, reply) => {
        const { ctx, body } = request;
        const user = await logIn(ctx, { ...body, ...clientOf(request) });
        return viewSession(user, await startSession(ctx, reply, user), "Login successful");
      },
    );

    app.post(
      "/api/users/token/refresh/",
      {
        schema: {
          ...shared,
          operationId: "legacyRefreshTokens",
          summary: "Get new tokens for a refresh token",
          description: "A refresh token works once. Keep the new refresh token of the answer.",
          body: Type.Object({
            refresh: Type.String({
              minLength: 1,
              maxLength: 200,
              description: "The refresh token.",
              examples: ["yTq0p4n7r9s2"],
            }),
          }),
          response: { 200: Tokens, ...problems(400, 401, 403, 413, 415) },
        },
      },
      async ({ ctx, body }, reply) => {
        const { access, refresh } = await refreshSession(ctx, reply, body.refresh);
        return { access, refresh };
      },
    );
  };
}

function viewSession(
  { id, username, email }: { id: number; username: string; email: string },
  { access, refresh }: SessionTokens,
  message: string,
): Static<typeof Session> {
  return { user: { id, username, email }, tokens: { refresh, access }, message };
}

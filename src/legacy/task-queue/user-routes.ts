/** The accounts of the Django task queue service: its paths, bodies and codes over the same verbs as /api/v1. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type, { type Static } from "typebox";
import { isEmail } from "../../accounts/emails.ts";
import { logIn } from "../../accounts/log-in.ts";
import { loginThrottle } from "../../accounts/login-throttle.ts";
import { Credentials, NewAccount } from "../../accounts/schemas.ts";
import { rotateSession } from "../../accounts/sessions.ts";
import { signUp } from "../../accounts/sign-up.ts";
import { type SessionTokens, startSession } from "../../accounts/start-session.ts";
import type { Context } from "../../context.ts";
import { DomainError, invalidField } from "../../errors.ts";
import { problems } from "../../platform/http/errors.ts";
import { speakAsDjango } from "../shared/django-errors.ts";

const { username, password } = NewAccount.properties;
const PersonName = (example: string) =>
  Type.String({ maxLength: 150, pattern: "^[^\\u0000]*$", default: "", examples: [example] });

const Registration = Type.Object(
  {
    username,
    email: Type.String({ minLength: 1, maxLength: 254, examples: ["ada@example.com"] }),
    password,
    password2: Type.String({
      minLength: 1,
      description: "The same again.",
      examples: ["correct horse battery"],
    }),
    first_name: PersonName("Ada"),
    last_name: PersonName("Lovelace"),
  },
  { additionalProperties: false },
);

const Tokens = Type.Object({ refresh: Type.String(), access: Type.String() });
const Session = Type.Object({
  user: Type.Object({ id: Type.Integer(), username: Type.String(), email: Type.String() }),
  tokens: Tokens,
  message: Type.String({ examples: ["Login successful"] }),
});

export function taskQueueUserRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  const { config } = ctx;
  const throttle = loginThrottle(ctx);
  return async (app) => {
    speakAsDjango(app);
    const shared = { tags: ["legacy"] };

    app.post(
      "/api/users/register/",
      {
        schema: {
          ...shared,
          summary: "Make an account",
          body: Registration,
          response: { 201: Session, ...problems(400, 413, 415) },
        },
      },
      async ({ ctx, body }, reply) => {
        const { username, email, password, password2, first_name: firstName, last_name: lastName } = body;
        if (!isEmail(email)) throw invalidField("email", "Enter a valid email address.");
        if (password2 !== password) throw invalidField("password2", "The two passwords are not the same.");
        const { passwordMinLength } = config;
        const account = { username, password, email, firstName, lastName, passwordMinLength };
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
          summary: "Log in",
          body: Credentials,
          response: { 200: Session, ...problems(400, 401, 413, 415, 429) },
        },
      },
      async ({ ctx, body, ip }, reply) => {
        const user = await logIn(ctx, throttle, { ...body, address: ip });
        return viewSession(user, await startSession(ctx, reply, user), "Login successful");
      },
    );

    app.post(
      "/api/users/token/refresh/",
      {
        schema: {
          ...shared,
          summary: "Trade a refresh token for new tokens",
          description: "A refresh token works once; keep the one that comes with the answer.",
          body: Type.Object({
            refresh: Type.String({ minLength: 1, maxLength: 200, examples: ["yTq0p4n7r9..."] }),
          }),
          response: { 200: Tokens, ...problems(400, 401, 413, 415) },
        },
      },
      async ({ ctx, body }, reply) => {
        const { refresh: next, user } = await rotateSession(ctx, body.refresh);
        const { access, refresh } = await startSession(ctx, reply, user, next);
        return { access, refresh };
      },
    );
  };
}

/** The service knew no 409. */
function sayTaken(error: unknown): never {
  if (!(error instanceof DomainError) || error.code !== "conflict") throw error;
  const message = "A user with that username already exists.";
  throw invalidField("username", message, error);
}

function viewSession(
  { id, username, email }: { id: number; username: string; email: string },
  { access, refresh }: SessionTokens,
  message: string,
): Static<typeof Session> {
  return { user: { id, username, email }, tokens: { refresh, access }, message };
}

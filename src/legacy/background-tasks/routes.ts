/** The endpoints of the Django service with Celery background tasks, with its paths, bodies and statuses. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type, { type Static } from "typebox";
import { logIn } from "../../accounts/log-in.ts";
import { type Account, callerOf, getAccount } from "../../accounts/queries.ts";
import { Credentials, NewAccount } from "../../accounts/schemas.ts";
import { signUp } from "../../accounts/sign-up.ts";
import type { Context } from "../../context.ts";
import { invalidField } from "../../errors.ts";
import { isEmail } from "../../mails/addresses.ts";
import { clientOf } from "../../platform/http/auth.ts";
import { problems } from "../../platform/http/errors.ts";
import { Moment } from "../../platform/http/schemas.ts";
import { userRoutes } from "../../platform/http/user-routes.ts";
import { takeBodiesAsDjango } from "../shared/django.ts";
import { speakAsDjango } from "../shared/django-errors.ts";
import { PersonName, sayTaken } from "../shared/registration.ts";
import { legacyConfig } from "../shared/settings.ts";
import { createLoginToken } from "./create-login-token.ts";

const { username, password } = NewAccount.properties;

const Registration = Type.Object(
  {
    username,
    email: Type.String({
      minLength: 1,
      maxLength: 254,
      description: "The address that the welcome email is sent to.",
      examples: ["user@example.com"],
    }),
    password,
    first_name: PersonName("The first name.", "Ada"),
    last_name: PersonName("The last name.", "Lovelace"),
  },
  { additionalProperties: false },
);

const loggedIn = {
  message: Type.String({ description: "A confirmation.", examples: ["User registered successfully!"] }),
  user_id: Type.Integer({ description: "The id of the user.", examples: [5] }),
  username: Type.String({ description: "The name of the user.", examples: ["newuser"] }),
  token: Type.String({
    description: "An API token. Send it as `Authorization: Token` or `Authorization: Bearer`.",
    examples: ["rmt_3q2-7wGkXo0vYcYp1QnJm6cXr9gH4sTzL5bKdFuEaVs"],
  }),
};

const LoggedIn = Type.Object(loggedIn, { description: "You are logged in." });

const Registered = Type.Object(
  {
    ...loggedIn,
    email_sent: Type.String({
      description: "What happens with the welcome email.",
      examples: ["Welcome email will be sent shortly"],
    }),
  },
  { description: "The account was created." },
);

const Profile = Type.Object(
  {
    id: Type.Integer({ description: "The id of the user.", examples: [5] }),
    username: Type.String({ description: "The name of the user.", examples: ["newuser"] }),
    email: Type.String({ description: "The email address.", examples: ["user@example.com"] }),
    first_name: Type.String({ description: "The first name.", examples: ["Ada"] }),
    last_name: Type.String({ description: "The last name.", examples: ["Lovelace"] }),
    date_joined: Moment("When the account was created."),
  },
  { description: "Your account." },
);

const Message = Type.Object(
  { message: Type.String({ description: "A greeting.", examples: ["Hello, newuser!"] }) },
  { description: "The endpoint works." },
);

export function backgroundTaskRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  const { passwordMinLength } = legacyConfig(ctx.config);
  return async (app) => {
    takeBodiesAsDjango(app);
    speakAsDjango(app);
    const shared = { tags: ["legacy"] };

    app.post(
      "/api/register/",
      {
        schema: {
          ...shared,
          operationId: "legacyRegister",
          summary: "Create an account",
          description: "Also logs in, and sends a welcome email.",
          body: Registration,
          response: { 201: Registered, ...problems(400, 413, 415, 429) },
        },
      },
      async ({ ctx, body, ip: address }, reply) => {
        const { username, email, password, first_name: firstName, last_name: lastName } = body;
        if (!isEmail(email)) throw invalidField("email", "Enter a valid email address.");
        const account = { username, password, email, firstName, lastName, passwordMinLength, address };
        const { id } = await signUp(ctx, account).catch(sayTaken);
        const session = await openSession(ctx, await getAccount(ctx, id), "User registered successfully!");
        return reply.code(201).send({ ...session, email_sent: "Welcome email will be sent shortly" });
      },
    );

    app.post(
      "/api/login/",
      {
        schema: {
          ...shared,
          operationId: "legacyLogInForToken",
          summary: "Log in",
          description: "Returns a new API token. The tokens of your ten newest logins are valid.",
          body: Credentials,
          response: { 200: LoggedIn, ...problems(400, 401, 403, 409, 413, 415, 429) },
        },
      },
      async (request) => {
        const { ctx, body } = request;
        const account = await logIn(ctx, { ...body, ...clientOf(request) });
        return openSession(ctx, account, "Login successful!");
      },
    );

    app.get(
      "/api/public/",
      {
        schema: {
          ...shared,
          operationId: "legacyGetPublic",
          summary: "Try the API without a token",
          description: "Always answers.",
          response: { 200: Message },
        },
      },
      async () => ({ message: "This is a public endpoint. It needs no token." }),
    );

    await app.register(tokenRoutes(ctx));
  };
}

function tokenRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["legacy"] }, (app, shared) => {
    app.get(
      "/api/profile/",
      {
        schema: {
          ...shared,
          operationId: "legacyGetProfile",
          summary: "Get your account",
          description: "Returns your names and your address.",
          response: { 200: Profile, ...problems(401) },
        },
      },
      async ({ ctx, user }) => viewProfile(await getAccount(ctx, user.id)),
    );

    app.get(
      "/api/protected/",
      {
        schema: {
          ...shared,
          operationId: "legacyGetProtected",
          summary: "Try the API with a token",
          description: "Answers if the token is valid.",
          response: { 200: Message, ...problems(401) },
        },
      },
      async ({ user }) => ({ message: `Hello, ${user.username}! Your token is valid.` }),
    );
  });
}

async function openSession(
  ctx: Context,
  account: Account,
  message: string,
): Promise<Static<typeof LoggedIn>> {
  const { passwordHash } = account;
  const user = callerOf(account);
  const token = await createLoginToken(ctx, { proof: "password", user, passwordHash });
  return { message, user_id: user.id, username: user.username, token };
}

function viewProfile(account: Account): Static<typeof Profile> {
  const { id, username, email, firstName, lastName, createdAt } = account;
  return {
    id,
    username,
    email,
    first_name: firstName,
    last_name: lastName,
    date_joined: createdAt.toISOString(),
  };
}

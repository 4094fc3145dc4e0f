import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import { type Context, inTransaction } from "../../context.ts";
import { DomainError, invalidField } from "../../errors.ts";
import { jobs } from "../../jobs.ts";
import { clientNetwork } from "../../platform/http/client-network.ts";
import { problems } from "../../platform/http/errors.ts";
import { sendPage } from "../../platform/http/pages.ts";
import { uuidV7 } from "../../platform/ids.ts";
import { requireStorable } from "../../platform/postgres/storable.ts";
import { countHourly } from "../hourly-limit.ts";
import { Credentials, NewAccount } from "../schemas.ts";
import { RESET_CONTENT, RESET_SCRIPT, RESET_TITLE } from "./reset-page.ts";
import { resetPassword } from "./reset-password.ts";

const { email } = NewAccount.properties;
const { username, password } = Credentials.properties;

const RequestBody = Type.Object(
  {
    email: Type.Optional(Type.String({ ...email, default: undefined, minLength: 1 })),
    username: Type.Optional(Type.String({ ...username })),
  },
  { additionalProperties: false, examples: [{ email: "ada@example.com" }] },
);

const ConfirmBody = Type.Object(
  {
    token: Type.String({
      minLength: 1,
      maxLength: 100,
      description: "The part of the link after `#`.",
      examples: ["3q2-7wAAyZp8m4Vx1S5dJ0rQkTgU9oLhNfBvEiCcYwM"],
    }),
    new_password: Type.String({
      ...password,
      description: "The new password, with at least PASSWORD_MIN_LENGTH characters.",
      examples: ["a much better horse battery"],
    }),
  },
  { additionalProperties: false },
);

const Accepted = Type.Object(
  {
    message: Type.String({
      description: "The same for every request.",
      examples: ["If there is such an account ..."],
    }),
  },
  { description: "The request is accepted, whether or not the account exists." },
);

const MESSAGE =
  "If an enabled account with an email address matches, a link to choose a new password is on its way. It works for one hour.";

export function passwordResetRoutes(_: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      "/api/v1/auth/password-reset",
      {
        schema: {
          tags: ["auth"],
          operationId: "requestPasswordReset",
          summary: "Request a password reset",
          description:
            "Mails a link to every enabled account with this email address or username, at most three per account and hour. " +
            "The answer and the time it takes are the same for unknown accounts. Send either `email` or `username`.",
          body: RequestBody,
          response: { 202: Accepted, ...problems(400, 413, 415, 429) },
        },
      },
      async ({ ctx, body, ip }, reply) => {
        if ((body.email === undefined) === (body.username === undefined))
          throw invalidField("email", "send either `email` or `username`.");
        for (const [field, value] of Object.entries(body)) requireStorable(value, field);
        await countRequest(ctx, ip);
        // A job finds the account: to look here would take longer if it exists.
        await inTransaction(ctx, (tx) =>
          tx.queue.add(tx.db, jobs.startPasswordReset, [
            { id: uuidV7(tx.now()), payload: body, priority: 3 },
          ]),
        );
        return reply.code(202).send({ message: MESSAGE });
      },
    );

    app.post(
      "/api/v1/auth/password-reset/confirm",
      {
        schema: {
          tags: ["auth"],
          operationId: "confirmPasswordReset",
          summary: "Set a new password with a link",
          description:
            "Works once per link, within one hour. Ends all sessions of the account and revokes all its API tokens within " +
            "100 ms. If the password breaks a rule, the link stays valid.",
          body: ConfirmBody,
          response: { 204: Type.Null({ description: "The password is set." }), ...problems(400, 413, 415) },
        },
      },
      async ({ ctx, body }, reply) => {
        await resetPassword(ctx, { token: body.token, password: body.new_password });
        return reply.code(204).send(null);
      },
    );

    app.get("/reset-password", { schema: { hide: true } }, (_request, reply) =>
      sendPage(reply, 200, { title: RESET_TITLE, content: RESET_CONTENT, script: RESET_SCRIPT }),
    );
  };
}

/** @throws DomainError `too_many_attempts` */
async function countRequest(ctx: Context, address: string): Promise<void> {
  const { passwordResetsPerHour: perHour } = ctx.config;
  const limit = { name: "password-reset-address", key: clientNetwork(address), perHour };
  const seconds = await countHourly(ctx, limit);
  if (seconds === 0) return;
  throw new DomainError(
    "too_many_attempts",
    `Your address can request ${perHour} password resets per hour (PASSWORD_RESETS_PER_HOUR). Try again in ${Math.ceil(seconds / 60)} minute(s).`,
    { retryAfterSeconds: seconds },
  );
}

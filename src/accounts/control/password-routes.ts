import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../../context.ts";
import { DomainError, invalidField } from "../../errors.ts";
import { clientOf, refuseApiToken, sessionOf } from "../../platform/http/auth.ts";
import { problems } from "../../platform/http/errors.ts";
import { userRoutes } from "../../platform/http/user-routes.ts";
import { logIn } from "../log-in.ts";
import { Credentials } from "../schemas.ts";
import { changePassword } from "./change-password.ts";

const { password } = Credentials.properties;

const PasswordBody = Type.Object(
  {
    current_password: Type.String({ ...password, description: "The present password." }),
    new_password: Type.String({
      ...password,
      description: "The new password, with at least PASSWORD_MIN_LENGTH characters.",
      examples: ["a much better horse battery"],
    }),
    keep_api_tokens: Type.Boolean({
      default: false,
      description: "Keep the API tokens valid. Do so only if nobody else can know the old password.",
    }),
  },
  { additionalProperties: false },
);

export function passwordRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["auth"] }, (app, shared) => {
    app.post(
      "/api/v1/auth/password",
      {
        onRequest: refuseApiToken,
        schema: {
          ...shared,
          operationId: "changePassword",
          summary: "Change your password",
          description:
            "Needs the current password; wrong ones count as failed logins. Ends your other sessions and revokes your API " +
            "tokens within 100 ms. The session of this request goes on.",
          body: PasswordBody,
          response: {
            204: Type.Null({ description: "The password is changed." }),
            ...problems(400, 401, 403, 409, 413, 415, 429),
          },
        },
      },
      async (request, reply) => {
        const { ctx, user, login, body } = request;
        const current = { username: user.username, password: body.current_password, ...clientOf(request) };
        const { passwordHash } = await logIn(ctx, current).catch(explainWrongPassword);
        await changePassword(ctx, user.id, {
          password: body.new_password,
          by: "owner",
          keptSession: sessionOf(login),
          keepsApiTokens: body.keep_api_tokens,
          verifiedHash: passwordHash,
        });
        return reply.code(204).send(null);
      },
    );
  });
}

/** Not 401: the request itself is authenticated, and a client would refresh its tokens. */
function explainWrongPassword(error: unknown): never {
  if (!(error instanceof DomainError) || error.code !== "unauthenticated") throw error;
  throw invalidField("current_password", "is wrong.", error);
}

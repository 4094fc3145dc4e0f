/** Secrets of outgoing requests, for administrators. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../context.ts";
import { refuseApiToken } from "../platform/http/auth.ts";
import { problems } from "../platform/http/errors.ts";
import { userRoutes } from "../platform/http/user-routes.ts";
import { deleteSecret, MAX_SECRETS, setSecret } from "./change-secrets.ts";
import { getSecret, listSecrets } from "./queries.ts";
import { SecretBody, SecretName, SecretView, viewSecret } from "./views.ts";

const Params = Type.Object({ name: SecretName });

export function secretRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["admin"], roles: ["admin"] }, (app, shared) => {
    app.get(
      "/api/v1/admin/secrets",
      {
        schema: {
          ...shared,
          operationId: "listSecrets",
          summary: "List secrets",
          description: `Returns the names of all secrets, up to ${MAX_SECRETS}, and who has set them. No answer has their values.`,
          response: {
            200: Type.Object({ items: Type.Array(SecretView) }, { description: "The secrets, by name." }),
            ...problems(401, 403),
          },
        },
      },
      async ({ ctx }) => ({ items: (await listSecrets(ctx)).map(viewSecret) }),
    );

    app.get(
      "/api/v1/admin/secrets/:name",
      {
        schema: {
          ...shared,
          operationId: "getSecret",
          summary: "Get a secret",
          description:
            "Returns when and by whom it was set, and when it was last used. No answer has its value.",
          params: Params,
          response: { 200: SecretView, ...problems(400, 401, 403, 404) },
        },
      },
      async ({ ctx, params }) => viewSecret(await getSecret(ctx, params.name)),
    );

    app.put(
      "/api/v1/admin/secrets/:name",
      {
        onRequest: refuseApiToken,
        schema: {
          ...shared,
          operationId: "setSecret",
          summary: "Set a secret",
          description:
            "Creates or replaces the secret. Values of headers of outgoing requests refer to it as `{{secret:NAME}}`, and get the " +
            "value at the moment of sending. It is stored encrypted. 409 if the server has no SECRETS_KEY.",
          params: Params,
          body: SecretBody,
          response: { 200: SecretView, ...problems(400, 401, 403, 409, 413, 415) },
        },
      },
      async ({ ctx, params, body }) => {
        const { value, hosts = [], is_shared: isShared = false } = body;
        return viewSecret(await setSecret(ctx, params.name, { value, hosts, isShared }));
      },
    );

    app.delete(
      "/api/v1/admin/secrets/:name",
      {
        onRequest: refuseApiToken,
        schema: {
          ...shared,
          operationId: "deleteSecret",
          summary: "Delete a secret",
          description: "Requests that need it fail from now on.",
          params: Params,
          response: {
            204: Type.Null({ description: "The secret is deleted." }),
            ...problems(400, 401, 403, 404),
          },
        },
      },
      async ({ ctx, params }, reply) => {
        await deleteSecret(ctx, params.name);
        return reply.code(204).send(null);
      },
    );
  });
}

import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { type Login, loginOf, refuseApiToken } from "../../platform/http/auth.ts";
import { problems } from "../../platform/http/errors.ts";
import { decodeNumberCursor, Page, PageQuery, pageOf } from "../../platform/http/paging.ts";
import { NUL_FREE, NumericId } from "../../platform/http/schemas.ts";
import { userRoutes } from "../../platform/http/user-routes.ts";
import { listTokens } from "./api-tokens.ts";
import { createToken } from "./create-token.ts";
import { revokeToken } from "./revoke-token.ts";
import { CreatedTokenView, TokenView, viewToken } from "./views.ts";

const NewToken = Type.Object(
  {
    name: Type.String({
      minLength: 1,
      maxLength: 100,
      pattern: NUL_FREE,
      description: "The purpose of the token. Each of your tokens needs a different name.",
      examples: ["nightly import"],
    }),
    expires_in_days: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 3650,
        description: "The number of days until the token expires. Absent: it never expires.",
        examples: [90],
      }),
    ),
  },
  { additionalProperties: false },
);

export function tokenRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["auth"] }, (app, shared) => {
    app.post(
      "/api/v1/auth/tokens",
      {
        onRequest: refuseApiToken,
        schema: {
          ...shared,
          operationId: "createApiToken",
          summary: "Create an API token",
          description:
            "For programs. The token has your rights, except to change accounts, passwords, sessions and tokens.",
          body: NewToken,
          response: { 201: CreatedTokenView, ...problems(400, 401, 403, 409, 413, 415) },
        },
      },
      async (request, reply) => {
        const { name, expires_in_days = null } = request.body;
        const login = loginOf(request);
        const token = await createToken(request.ctx, login, { name, expiresInDays: expires_in_days });
        return reply.code(201).send(token);
      },
    );

    app.get(
      "/api/v1/auth/tokens",
      {
        schema: {
          ...shared,
          operationId: "listApiTokens",
          summary: "List API tokens",
          description: "Your tokens, oldest first. Their secret values are not shown.",
          querystring: Type.Object(PageQuery),
          response: { 200: Page(TokenView), ...problems(400, 401) },
        },
      },
      async ({ ctx, user, query }) => {
        const after = decodeNumberCursor(query.cursor);
        const found = await listTokens(ctx, user.id, { after, limit: query.limit });
        return pageOf(found, ({ id }) => id, viewToken);
      },
    );

    app.delete(
      "/api/v1/auth/tokens/:id",
      {
        schema: {
          ...shared,
          operationId: "revokeApiToken",
          summary: "Revoke an API token",
          description:
            "The token stops working at once, and its event streams end. An API token can revoke only itself.",
          params: Type.Object({ id: NumericId("The id of the token.") }),
          response: {
            204: Type.Null({ description: "The token is revoked." }),
            ...problems(400, 401, 403, 404),
          },
        },
      },
      async ({ ctx, user, login, params }, reply) => {
        requireOwnToken(login, params.id);
        await revokeToken(ctx, user.id, params.id);
        return reply.code(204).send(null);
      },
    );
  });
}

/** An API token may revoke itself, but no other token. */
function requireOwnToken(login: Login | null, id: number): void {
  if (login?.proof !== "api_token" || login.tokenId === id) return;
  throw new DomainError("forbidden", "An API token can revoke only itself. Log in to revoke other tokens.");
}

import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { FastifyRequest } from "fastify";
import Type from "typebox";
import type { Context } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { authenticate, SECURITY } from "../../platform/http/auth.ts";
import { problems } from "../../platform/http/errors.ts";
import { decodeNumberCursor, Page, PageQuery, pageOf } from "../../platform/http/paging.ts";
import { listTokens, TokenView, viewToken } from "./api-tokens.ts";
import { createToken } from "./create-token.ts";
import { revokeToken } from "./revoke-token.ts";

const NewToken = Type.Object(
  {
    name: Type.String({
      minLength: 1,
      maxLength: 100,
      pattern: "^[^\\u0000]*$",
      description: "What it is for; one of a name.",
      examples: ["nightly import"],
    }),
    expires_in_days: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 3650,
        description: "Unset: until it is revoked.",
        examples: [90],
      }),
    ),
  },
  { additionalProperties: false },
);

const MadeToken = Type.Object({
  ...TokenView.properties,
  token: Type.String({
    description: "For `Authorization: Token` or `Bearer`. It is shown this once.",
    examples: ["rmt_..."],
  }),
});

export function tokenRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.addHook("onRequest", authenticate(ctx.config));
    const shared = { tags: ["auth"], security: SECURITY };

    app.post(
      "/api/v1/auth/tokens",
      {
        onRequest: refuseApiToken,
        schema: {
          ...shared,
          summary: "Make an API token",
          description: "For programs. It has the rights of its user, except to make more tokens.",
          body: NewToken,
          response: { 201: MadeToken, ...problems(400, 401, 403, 409, 413, 415) },
        },
      },
      async ({ ctx, user, body }, reply) => {
        const { name, expires_in_days = null } = body;
        return reply
          .code(201)
          .send(await createToken(ctx, user.id, { name, expiresInDays: expires_in_days }));
      },
    );

    app.get(
      "/api/v1/auth/tokens",
      {
        schema: {
          ...shared,
          summary: "My API tokens",
          querystring: Type.Object(PageQuery),
          response: { 200: Page(TokenView), ...problems(400, 401) },
        },
      },
      async ({ ctx, user, query }) => {
        const after = decodeNumberCursor(query.cursor);
        const found = await listTokens(ctx, user.id, { after, limit: query.limit + 1 });
        return pageOf(found, query.limit, ({ id }) => id, viewToken);
      },
    );

    app.delete(
      "/api/v1/auth/tokens/:id",
      {
        schema: {
          ...shared,
          summary: "Revoke an API token",
          params: Type.Object({ id: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }) }),
          response: { 204: Type.Null({ description: "Revoked, at once." }), ...problems(400, 401, 403, 404) },
        },
      },
      async ({ ctx, user, params }, reply) => {
        await revokeToken(ctx, user.id, params.id);
        return reply.code(204).send(null);
      },
    );
  };
}

/** Else one that leaked could live on in tokens that its owner does not know of. */
async function refuseApiToken({ proof }: FastifyRequest): Promise<void> {
  if (proof !== "api_token") return;
  throw new DomainError("forbidden", "An API token can't make tokens. Log in, and send the access token.");
}

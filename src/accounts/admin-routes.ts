/** Accounts, for administrators. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../context.ts";
import { refuseApiToken } from "../platform/http/auth.ts";
import { problems } from "../platform/http/errors.ts";
import { decodeNumberCursor, Page, PageQuery, pageOf } from "../platform/http/paging.ts";
import { NUL_FREE, NumericId } from "../platform/http/schemas.ts";
import { userRoutes } from "../platform/http/user-routes.ts";
import { firstOf } from "../platform/postgres/read-page.ts";
import { disableAccount, enableAccount } from "./control/disable-account.ts";
import { logOutEverywhere, revokeAllTokens } from "./control/end-logins.ts";
import { getAccount, listAccounts } from "./queries.ts";
import { ManagedAccountView, viewAccount } from "./views.ts";

const Params = Type.Object({ id: NumericId("The id of the account.") });

const Query = Type.Object({
  username: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 150,
      pattern: NUL_FREE,
      description: "Only the account with this name, ignoring case.",
      examples: ["ada"],
    }),
  ),
  role: Type.Optional(
    Type.Enum(["user", "operator", "admin"], { description: "Only accounts with this role." }),
  ),
  disabled: Type.Optional(
    Type.Boolean({ description: "true: only disabled accounts; false: only enabled accounts." }),
  ),
  ...PageQuery,
});

const STATES = {
  disable: {
    summary: "Disable an account",
    description:
      "Refuses the account with all its credentials within 100 ms: 403 `account_disabled`. Its sessions and event streams " +
      "end. Its API tokens work again after it is enabled. Its batches and tasks go on; cancel them if they must not.",
    run: disableAccount,
  },
  enable: {
    summary: "Enable a disabled account",
    description: "Allows logins and API tokens again. Sessions that have ended stay ended.",
    run: enableAccount,
  },
} as const;

export function accountAdminRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["admin"], roles: ["admin"] }, (app, shared) => {
    app.get(
      "/api/v1/accounts",
      {
        schema: {
          ...shared,
          operationId: "listAccounts",
          summary: "List accounts",
          description: "All accounts, oldest first.",
          querystring: Query,
          response: { 200: Page(ManagedAccountView), ...problems(400, 401, 403) },
        },
      },
      async ({ ctx, query }) => {
        const { username, role, disabled, cursor, limit } = query;
        const filter = {
          ...(username === undefined ? {} : { username }),
          ...(role === undefined ? {} : { role }),
          ...(disabled === undefined ? {} : { isDisabled: disabled }),
        };
        const found = await listAccounts(ctx, filter, {
          after: decodeNumberCursor(cursor),
          limit: limit + 1,
        });
        return pageOf(firstOf(found, limit), ({ id }) => id, viewAccount);
      },
    );

    app.get(
      "/api/v1/accounts/:id",
      {
        schema: {
          ...shared,
          operationId: "getAccount",
          summary: "Get an account",
          description: "Returns the account, its role and whether it is disabled.",
          params: Params,
          response: { 200: ManagedAccountView, ...problems(400, 401, 403, 404) },
        },
      },
      async ({ ctx, params }) => viewAccount(await getAccount(ctx, params.id)),
    );

    for (const [name, { summary, description, run }] of Object.entries(STATES)) {
      app.post(
        `/api/v1/accounts/:id/${name}`,
        {
          onRequest: refuseApiToken,
          schema: {
            ...shared,
            operationId: `${name}Account`,
            summary,
            description: `${description} Repeating the request changes nothing.`,
            params: Params,
            response: { 200: ManagedAccountView, ...problems(400, 401, 403, 404, 409) },
          },
        },
        async ({ ctx, params }) => viewAccount(await run(ctx, params.id)),
      );
    }

    app.delete(
      "/api/v1/accounts/:id/sessions",
      {
        onRequest: refuseApiToken,
        schema: {
          ...shared,
          operationId: "logOutAccount",
          summary: "Log out an account everywhere",
          description: "Ends all sessions of the account within 100 ms. API tokens and passwords stay valid.",
          params: Params,
          response: { 200: countOf("ended", "sessions that ended"), ...problems(400, 401, 403, 404) },
        },
      },
      async ({ ctx, params }) => ({ ended: await logOutEverywhere(ctx, params.id) }),
    );

    app.delete(
      "/api/v1/accounts/:id/tokens",
      {
        onRequest: refuseApiToken,
        schema: {
          ...shared,
          operationId: "revokeAccountTokens",
          summary: "Revoke all API tokens of an account",
          description: "The tokens stop working at once, and their event streams end.",
          params: Params,
          response: { 200: countOf("revoked", "revoked tokens"), ...problems(400, 401, 403, 404) },
        },
      },
      async ({ ctx, params }) => ({ revoked: await revokeAllTokens(ctx, params.id) }),
    );
  });
}

function countOf<N extends string>(name: N, what: string) {
  const count = Type.Integer({ description: `The number of ${what}.`, examples: [2] });
  return Type.Object({ [name]: count } as Record<N, typeof count>, { description: "Done." });
}

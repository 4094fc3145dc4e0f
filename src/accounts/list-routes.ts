/** Accounts, as administrators and operators see them. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../context.ts";
import { problems } from "../platform/http/errors.ts";
import { decodeNumberCursor, PageQuery, SearchedPage, searchedPageOf } from "../platform/http/paging.ts";
import { NUL_FREE, NumericId } from "../platform/http/schemas.ts";
import { userRoutes } from "../platform/http/user-routes.ts";
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
  search: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 150,
      pattern: NUL_FREE,
      description:
        "Only accounts with this text in the username, the email address, the first or the last name, ignoring case.",
      examples: ["@example.com"],
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

export function accountListRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["admin"], roles: ["operator", "admin"] }, (app, shared) => {
    app.get(
      "/api/v1/accounts",
      {
        config: { mayLag: true },
        schema: {
          ...shared,
          operationId: "listAccounts",
          summary: "List accounts",
          description: "All accounts, oldest first.",
          querystring: Query,
          response: { 200: SearchedPage(ManagedAccountView), ...problems(400, 401, 403) },
        },
      },
      async ({ ctx, query }) => {
        const { username, search, role, disabled, cursor, limit } = query;
        const filter = {
          ...(username === undefined ? {} : { username }),
          ...(search === undefined ? {} : { search }),
          ...(role === undefined ? {} : { role }),
          ...(disabled === undefined ? {} : { isDisabled: disabled }),
        };
        const found = await listAccounts(ctx, filter, {
          after: decodeNumberCursor(cursor),
          limit,
        });
        return searchedPageOf(found, ({ id }) => id, viewAccount);
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
  });
}

import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../context.ts";
import { authenticate } from "../platform/http/auth.ts";
import { problems } from "../platform/http/errors.ts";
import { decodeNumberCursor, Page, PageQuery, pageOf } from "../platform/http/paging.ts";
import { getBook, listBooks, viewBook } from "./queries.ts";

export const BookParams = Type.Object({ id: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }) });

export function bookRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  const { publicUrl } = ctx.config;
  return async (app) => {
    app.addHook("onRequest", authenticate(ctx.config));
    const shared = { tags: ["books"], security: [{ bearer: [] }, { cookie: [] }] };

    app.get(
      "/api/v1/books",
      {
        schema: {
          ...shared,
          summary: "My books, in the order they were made",
          querystring: Type.Object(PageQuery),
          response: { 200: Page(Type.Ref("Book")), ...problems(400, 401) },
        },
      },
      async ({ user, query }) => {
        const after = decodeNumberCursor(query.cursor);
        const found = await listBooks(ctx, user.id, after, query.limit + 1);
        return pageOf(
          found,
          query.limit,
          ({ id }) => id,
          (book) => viewBook(book, publicUrl),
        );
      },
    );

    app.get(
      "/api/v1/books/:id",
      {
        schema: {
          ...shared,
          summary: "One book",
          params: BookParams,
          response: { 200: Type.Ref("Book"), ...problems(400, 401, 404) },
        },
      },
      async ({ user, params }) => viewBook(await getBook(ctx, user.id, params.id), publicUrl),
    );
  };
}

import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../context.ts";
import { authenticate, SECURITY } from "../platform/http/auth.ts";
import { problems } from "../platform/http/errors.ts";
import { Page, PageQuery, pageOf } from "../platform/http/paging.ts";
import { BookEditBody, NewBookBody, withBookBody } from "./book-body.ts";
import { createBook } from "./create-book.ts";
import { deleteBook } from "./delete-book.ts";
import { editBook } from "./edit-book.ts";
import { BOOK_SORTS, cursorToPlace, listBooks, placeToCursor } from "./list-books.ts";
import { getBook, viewBook } from "./queries.ts";

const BookParams = Type.Object({ id: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }) });

/** A cursor has the title where the list is sorted by it: 500 characters of up to four bytes, in base64. */
const cursor = Type.Optional(
  Type.String({ maxLength: 6000, description: "`next_cursor` of the page before." }),
);

const BookQuery = Type.Object({
  ...PageQuery,
  cursor,
  search: Type.Optional(
    Type.String({
      maxLength: 200,
      pattern: "^[^\\u0000]*$",
      description: "Words that must each be in the title or the author, in whatever case.",
    }),
  ),
  sort: Type.Enum([...BOOK_SORTS], {
    default: "id",
    description: "`id` is the order in which they were made; a minus turns an order round.",
  }),
});

export function bookRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  const { config } = ctx;
  const { publicUrl } = config;
  return async (app) => {
    app.addHook("onRequest", authenticate(config));
    const shared = { tags: ["books"], security: SECURITY };

    app.get(
      "/api/v1/books",
      {
        schema: {
          ...shared,
          summary: "My books, found and sorted",
          querystring: BookQuery,
          response: { 200: Page(Type.Ref("Book")), ...problems(400, 401) },
        },
      },
      async ({ ctx, user, query }) => {
        const { sort, search, limit } = query;
        const after = cursorToPlace(sort, query.cursor);
        const found = await listBooks(ctx, user.id, { sort, search, after, limit: limit + 1 });
        return pageOf(
          found,
          limit,
          (place) => placeToCursor(sort, place),
          ({ book }) => viewBook(book, publicUrl),
        );
      },
    );

    app.post(
      "/api/v1/books",
      {
        config: { documentedBody: NewBookBody },
        schema: {
          ...shared,
          summary: "Make a book",
          description:
            "By the rules of the `books` target, except that there may be more than one of a title and author.",
          response: { 201: Type.Ref("Book"), ...problems(400, 401, 403, 413, 415) },
        },
      },
      async (request, reply) => {
        const { ctx } = request;
        const book = await withBookBody(request, reply, config, ({ values, picture }) =>
          createBook(ctx, request.user.id, values, picture ?? null),
        );
        return reply.code(201).header("location", `/api/v1/books/${book.id}`).send(viewBook(book, publicUrl));
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
      async ({ ctx, user, params }) => viewBook(await getBook(ctx, user.id, params.id), publicUrl),
    );

    app.patch(
      "/api/v1/books/:id",
      {
        config: { documentedBody: BookEditBody },
        schema: {
          ...shared,
          summary: "Change a book",
          description:
            "What is left out stays. Undoing the upload that made the book leaves it alone from then on.",
          params: BookParams,
          response: { 200: Type.Ref("Book"), ...problems(400, 401, 403, 404, 413, 415) },
        },
      },
      async (request, reply) => {
        const { ctx, user, params } = request;
        // Before a picture is read for a book that is not there.
        await getBook(ctx, user.id, params.id);
        const book = await withBookBody(request, reply, config, ({ values, picture }) =>
          editBook(ctx, user.id, params.id, values, picture),
        );
        return viewBook(book, publicUrl);
      },
    );

    app.delete(
      "/api/v1/books/:id",
      {
        schema: {
          ...shared,
          summary: "Remove a book and its picture",
          params: BookParams,
          response: { 204: Type.Null({ description: "Removed." }), ...problems(400, 401, 403, 404) },
        },
      },
      async ({ ctx, user, params }, reply) => {
        await deleteBook(ctx, user.id, params.id);
        return reply.code(204).send(null);
      },
    );
  };
}

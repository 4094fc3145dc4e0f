import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../context.ts";
import { problems } from "../platform/http/errors.ts";
import { PageQuery, SearchedPage, searchedPageOf } from "../platform/http/paging.ts";
import { NUL_FREE, NumericId } from "../platform/http/schemas.ts";
import { userRoutes } from "../platform/http/user-routes.ts";
import { BookEditBody, NewBookBody, withBookBody } from "./book-body.ts";
import { createBook } from "./create-book.ts";
import { cursorToPosition, positionToCursor } from "./cursors.ts";
import { deleteBook } from "./delete-book.ts";
import { editBook } from "./edit-book.ts";
import { BOOK_SORTS, listBooks } from "./list-books.ts";
import { getBook } from "./queries.ts";
import { viewBook } from "./views.ts";

const BookParams = Type.Object({ id: NumericId("The id of the book.") });

/** If the list is sorted by title, the cursor contains one: 500 characters of up to four bytes, in base64. */
const cursor = Type.Optional(
  Type.String({
    maxLength: 6000,
    description: "`next_cursor` of the previous page. Absent: the first page.",
    examples: ["WyJpZCIsMTAwLG51bGxd"],
  }),
);

const BookQuery = Type.Object({
  ...PageQuery,
  cursor,
  search: Type.Optional(
    Type.String({
      maxLength: 200,
      pattern: NUL_FREE,
      description: "Words that must all occur in the title or the author, in any case.",
      examples: ["shelley"],
    }),
  ),
  sort: Type.Enum([...BOOK_SORTS], {
    default: "id",
    description: "The order. `id` is the order of creation; a minus reverses an order.",
  }),
});

export function bookRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  const { config } = ctx;
  const { publicUrl } = config;
  return userRoutes(ctx, { tags: ["books"] }, (app, shared) => {
    app.get(
      "/api/v1/books",
      {
        config: { mayLag: true },
        schema: {
          ...shared,
          operationId: "listBooks",
          summary: "List books",
          description: "Your books, optionally searched and sorted.",
          querystring: BookQuery,
          response: { 200: SearchedPage(Type.Ref("Book")), ...problems(400, 401) },
        },
      },
      async ({ ctx, user, query }) => {
        const { sort, search, limit } = query;
        const after = cursorToPosition(sort, query.cursor);
        const found = await listBooks(ctx, user.id, { sort, search, after, limit });
        return searchedPageOf(
          found,
          (position) => positionToCursor(sort, position),
          ({ book }) => viewBook(book, publicUrl),
          (id) => positionToCursor(sort, { id: Number(id), key: null }),
        );
      },
    );

    app.post(
      "/api/v1/books",
      {
        config: { documentedBody: NewBookBody },
        schema: {
          ...shared,
          operationId: "createBook",
          summary: "Create a book",
          description:
            "The rules of the `books` target apply, except that several books can have the same title and author.",
          response: { 201: Type.Ref("Book"), ...problems(400, 401, 403, 413, 415) },
        },
      },
      async (request, reply) => {
        const { ctx } = request;
        const book = await withBookBody(request, config, ({ values, picture }) =>
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
          operationId: "getBook",
          summary: "Get a book",
          description: "Returns the book and the paths of its picture.",
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
          operationId: "updateBook",
          summary: "Update a book",
          description:
            "Fields that you leave out stay unchanged. Undoing the upload that created the book no longer affects it.",
          params: BookParams,
          response: { 200: Type.Ref("Book"), ...problems(400, 401, 403, 404, 413, 415) },
        },
      },
      async (request) => {
        const { ctx, user, params } = request;
        // Answers 404 before reading a picture.
        await getBook(ctx, user.id, params.id);
        const book = await withBookBody(request, config, ({ values, picture }) =>
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
          operationId: "deleteBook",
          summary: "Delete a book",
          description: "Deletes the book and its picture.",
          params: BookParams,
          response: {
            204: Type.Null({ description: "The book is deleted." }),
            ...problems(400, 401, 403, 404),
          },
        },
      },
      async ({ ctx, user, params }, reply) => {
        await deleteBook(ctx, user.id, params.id);
        return reply.code(204).send(null);
      },
    );
  });
}

/** The book endpoints of the Django bulk book upload service, with its paths, bodies and statuses. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { eq } from "drizzle-orm";
import Type from "typebox";
import { BookEditBody, NewBookBody, withBookBody } from "../../books/book-body.ts";
import { createBook } from "../../books/create-book.ts";
import { deleteBook } from "../../books/delete-book.ts";
import { editBook } from "../../books/edit-book.ts";
import { getBook } from "../../books/queries.ts";
import { BookView, viewBook } from "../../books/views.ts";
import type { Context } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { problems } from "../../platform/http/errors.ts";
import { JSON_TYPE, jsonText } from "../../platform/http/json-text.ts";
import { decodeNumberCursor, PageQuery, pageOf } from "../../platform/http/paging.ts";
import { NumericId } from "../../platform/http/schemas.ts";
import { userRoutes } from "../../platform/http/user-routes.ts";
import { beginDownload } from "../../request-context.ts";
import { books } from "../../schema/targets.ts";
import { takeBodiesAsDjango, URLENCODED } from "../shared/django.ts";
import { booksJson, lastOfAnswer } from "./all-books.ts";

/** The service listed all books at once. If there are more, a header has the URL of the rest. */
const MAX_BOOKS = 10_000;

const { id, title, author, description, picture, picture_url } = BookView.properties;
const Book = Type.Object(
  { id, title, author, description, picture, picture_url },
  { description: "A book of yours." },
);

const BookParams = Type.Object({ id: NumericId("The id of the book.") });

const withUrlencoded = (body: typeof NewBookBody) => ({ ...body, [URLENCODED]: body["application/json"] });

export function legacyBookRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  const { config } = ctx;
  return userRoutes(ctx, { tags: ["legacy"] }, (app, shared) => {
    takeBodiesAsDjango(app);

    app.get(
      "/books/",
      {
        schema: {
          ...shared,
          operationId: "legacyListBooks",
          summary: "List books",
          description:
            "Returns up to 10,000 of your books. If there are more, a `Link` header with `rel=next` has the next page.",
          querystring: Type.Object({ cursor: PageQuery.cursor }),
          response: { 200: jsonText(Type.Array(Book), "Your books."), ...problems(400, 401) },
        },
      },
      async (request, reply) => {
        const { user, query } = request;
        const first = decodeNumberCursor(query.cursor);
        const { ctx, stream } = await beginDownload(request, reply);
        const last = await lastOfAnswer(ctx, user.id, first, MAX_BOOKS);
        const { next_cursor } = pageOf(
          { items: [last], hasMore: last !== null },
          (id) => id ?? 0,
          (id) => id,
        );
        if (next_cursor !== null) {
          reply.header("link", `<${config.publicUrl}/books/?cursor=${next_cursor}>; rel="next"`);
        }
        return reply.type(JSON_TYPE).send(stream(booksJson(ctx, user.id, first, last)));
      },
    );

    app.post(
      "/books/",
      {
        config: { documentedBody: withUrlencoded(NewBookBody) },
        schema: {
          ...shared,
          operationId: "legacyCreateBook",
          summary: "Create a book",
          description: "Several books can have the same title and author.",
          response: { 201: Book, ...problems(400, 401, 403, 413, 415) },
        },
      },
      async (request, reply) => {
        const { ctx } = request;
        const book = await withBookBody(request, config, ({ values, picture }) =>
          createBook(ctx, request.user.id, values, picture ?? null),
        );
        return reply
          .code(201)
          .header("location", `/books/${book.id}/`)
          .send(viewBook(book, config.publicUrl));
      },
    );

    app.get(
      "/books/:id/",
      {
        schema: {
          ...shared,
          operationId: "legacyGetBook",
          summary: "Get a book",
          description: "Returns the book and the paths of its picture.",
          params: BookParams,
          response: { 200: Book, ...problems(400, 401, 404) },
        },
      },
      async ({ ctx, user, params }) => viewBook(await getBook(ctx, user.id, params.id), config.publicUrl),
    );

    app.post(
      "/books/:id/edit/",
      {
        config: { documentedBody: withUrlencoded(BookEditBody) },
        schema: {
          ...shared,
          operationId: "legacyUpdateBook",
          summary: "Update a book",
          description: "Fields that you leave out stay unchanged.",
          params: BookParams,
          response: { 200: Book, ...problems(400, 401, 403, 404, 413, 415) },
        },
      },
      async (request) => {
        const { ctx, user, params } = request;
        await refuseOthersBook(ctx, user.id, params.id);
        const book = await withBookBody(request, config, ({ values, picture }) =>
          editBook(ctx, user.id, params.id, values, picture),
        );
        return viewBook(book, config.publicUrl);
      },
    );

    app.post(
      "/books/:id/delete/",
      {
        schema: {
          ...shared,
          operationId: "legacyDeleteBook",
          summary: "Delete a book",
          description: "Deletes the book and its picture.",
          params: BookParams,
          response: {
            204: Type.Null({ description: "The book is deleted." }),
            ...problems(400, 401, 403, 404, 413, 415),
          },
        },
      },
      async ({ ctx, user, params }, reply) => {
        await refuseOthersBook(ctx, user.id, params.id);
        await deleteBook(ctx, user.id, params.id);
        return reply.code(204).send(null);
      },
    );
  });
}

/** Answers 403, as the service documents. /api/v1 answers 404, which does not reveal that the book exists. */
async function refuseOthersBook(ctx: Context, userId: number, bookId: number): Promise<void> {
  const [book] = await ctx.db.select({ userId: books.userId }).from(books).where(eq(books.id, bookId));
  if (book && book.userId !== userId)
    throw new DomainError("forbidden", "This book belongs to another user.");
}

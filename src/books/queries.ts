import { and, asc, eq, gt } from "drizzle-orm";
import Type, { type Static } from "typebox";
import type { Context } from "../context.ts";
import { notFound } from "../errors.ts";
import { books } from "../schema/targets.ts";

type StoredBook = typeof books.$inferSelect;

export const BookView = Type.Object(
  {
    id: Type.Integer(),
    title: Type.String(),
    author: Type.String(),
    description: Type.String(),
    picture: Type.Union([Type.String(), Type.Null()], {
      description: "Path of the picture; null while there is none.",
    }),
    picture_url: Type.Union([Type.String(), Type.Null()], { description: "The same as an absolute URL." }),
  },
  {
    $id: "Book",
    examples: [
      {
        id: 1,
        title: "Frankenstein",
        author: "Mary Shelley",
        description: "A scientist makes a living being.",
        picture: null,
        picture_url: null,
      },
    ],
  },
);

export function listBooks(ctx: Context, userId: number, after: number, limit: number): Promise<StoredBook[]> {
  return ctx.db
    .select()
    .from(books)
    .where(and(eq(books.userId, userId), gt(books.id, after)))
    .orderBy(asc(books.id))
    .limit(limit);
}

/** @throws DomainError `not_found`, also where the book is somebody else's */
export async function getBook(ctx: Context, userId: number, id: number): Promise<StoredBook> {
  const [book] = await ctx.db
    .select()
    .from(books)
    .where(and(eq(books.id, id), eq(books.userId, userId)));
  if (!book) throw notFound("book");
  return book;
}

export function viewBook(
  { id, title, author, description, picture }: StoredBook,
  publicUrl: string,
): Static<typeof BookView> {
  const path = picture === null ? null : `/media/${picture}`;
  return {
    id,
    title,
    author,
    description,
    picture: path,
    picture_url: path === null ? null : publicUrl + path,
  };
}

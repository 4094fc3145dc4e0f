import { and, eq } from "drizzle-orm";
import Type, { type Static } from "typebox";
import type { Context } from "../context.ts";
import { notFound } from "../errors.ts";
import { books } from "../schema/targets.ts";
import { thumbnailPath } from "./pictures.ts";

export type StoredBook = typeof books.$inferSelect;

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
    thumbnail_url: Type.Union([Type.String(), Type.Null()], {
      description: "The picture as a WebP of at most 320 pixels a side.",
    }),
  },
  {
    $id: "Book",
    examples: [
      {
        id: 1,
        title: "Frankenstein",
        author: "Mary Shelley",
        description: "A scientist makes a living being.",
        picture: "/media/books/6f1c0f5e-3c61-4a53-9a6e-2f0f5c1d7b2a.jpg",
        picture_url: "https://rowmill.example.com/media/books/6f1c0f5e-3c61-4a53-9a6e-2f0f5c1d7b2a.jpg",
        thumbnail_url: "https://rowmill.example.com/media/books/6f1c0f5e-3c61-4a53-9a6e-2f0f5c1d7b2b.webp",
      },
    ],
  },
);

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
  const urlOf = (path: string) => `${publicUrl}/media/${path}`;
  return {
    id,
    title,
    author,
    description,
    picture: picture === null ? null : `/media/${picture}`,
    picture_url: picture === null ? null : urlOf(picture),
    thumbnail_url: picture === null ? null : urlOf(thumbnailPath(picture)),
  };
}

import { and, eq } from "drizzle-orm";
import type { Context } from "../context.ts";
import { notFound } from "../errors.ts";
import { books } from "../schema/targets.ts";

export type StoredBook = typeof books.$inferSelect;

/** @throws DomainError `not_found`, also if the book belongs to another user */
export async function getBook(ctx: Context, userId: number, id: number): Promise<StoredBook> {
  const [book] = await ctx.db
    .select()
    .from(books)
    .where(and(eq(books.id, id), eq(books.userId, userId)));
  if (!book) throw notFound("book");
  return book;
}

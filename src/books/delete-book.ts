import { and, eq } from "drizzle-orm";
import { recordOwn } from "../audit/record-repeated.ts";
import { type Context, inTransaction } from "../context.ts";
import { notFound } from "../errors.ts";
import { books } from "../schema/targets.ts";
import { removePicture } from "./pictures.ts";

/**
 * Deletes a book and its picture.
 * @throws DomainError `not_found`, also if the book belongs to another user
 */
export function deleteBook(ctx: Context, userId: number, id: number): Promise<void> {
  return inTransaction(ctx, async (tx) => {
    const [book] = await tx.db
      .delete(books)
      .where(and(eq(books.id, id), eq(books.userId, userId)))
      .returning();
    if (!book) throw notFound("book");
    if (book.picture !== null) await removePicture(tx, book.picture);
    await recordOwn(tx, {
      action: "book.deleted",
      subject: { type: "book", id },
      ownerId: userId,
      details: { title: book.title, author: book.author },
    });
  });
}

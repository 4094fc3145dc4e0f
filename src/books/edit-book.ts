import { and, eq } from "drizzle-orm";
import { type Context, inTransaction } from "../context.ts";
import { notFound } from "../errors.ts";
import type { Picture } from "../platform/pictures/stored-picture.ts";
import { books } from "../schema/targets.ts";
import { BOOK_COLUMNS, type BookValues, checkBook } from "./check-book.ts";
import { isKeyTaken, retryOnKeyConflict } from "./copies.ts";
import { removePicture, storePicture } from "./pictures.ts";
import type { StoredBook } from "./queries.ts";

/**
 * Changes fields of a book and keeps the others. An edited book no longer counts as written by an upload, so undoing that
 * upload keeps it. An edit that changes nothing does not have this effect.
 * @param picture null removes the picture, undefined keeps it
 * @throws DomainError `not_found`, also if the book belongs to another user; `invalid_input`, or `too_large` if the owner
 * has no space left for the picture
 */
export function editBook(
  ctx: Context,
  userId: number,
  id: number,
  changes: Readonly<Partial<BookValues>>,
  picture?: Picture | null,
): Promise<StoredBook> {
  return inTransaction(ctx, async (tx) => {
    const isOwned = and(eq(books.id, id), eq(books.userId, userId));
    const [before] = await tx.db.select().from(books).where(isOwned).for("update");
    if (!before) throw notFound("book");
    const { title, author, description } = before;
    const values = checkBook({ title, author, description, ...changes });
    const isSame = BOOK_COLUMNS.every((column) => values[column] === before[column]);
    if (isSame && (picture === undefined || (picture === null && before.picture === null))) return before;

    let path = before.picture;
    if (picture !== undefined) {
      if (before.picture !== null) await removePicture(tx, before.picture);
      path = picture && (await storePicture(tx, userId, picture));
    }
    const [book] = await retryOnKeyConflict(tx, async () => {
      const isCopy = await isKeyTaken(tx, userId, values, id);
      return tx.db
        .update(books)
        .set({ ...values, picture: path, isCopy, batchId: null, rowNumber: null })
        .where(isOwned)
        .returning();
    });
    if (!book) throw new Error("The UPDATE returned no row.");
    return book;
  });
}

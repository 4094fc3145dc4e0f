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
 * Changes what is given and keeps the rest; with nothing to change, the book is as it was. Changed by hand, a book is
 * no longer what a row of an upload made of it, so undoing that upload leaves it alone.
 * @param picture null removes it, undefined keeps it
 * @throws DomainError `not_found`, also where the book is somebody else's; `invalid_input`
 */
export function editBook(
  ctx: Context,
  userId: number,
  id: number,
  given: Readonly<Partial<BookValues>>,
  picture?: Picture | null,
): Promise<StoredBook> {
  return inTransaction(ctx, async (tx) => {
    const isMine = and(eq(books.id, id), eq(books.userId, userId));
    const [before] = await tx.db.select().from(books).where(isMine).for("update");
    if (!before) throw notFound("book");
    const { title, author, description } = before;
    const values = checkBook({ title, author, description, ...given });
    const isSame = BOOK_COLUMNS.every((column) => values[column] === before[column]);
    if (isSame && (picture === undefined || (picture === null && before.picture === null))) return before;

    let path = before.picture;
    if (picture !== undefined) {
      if (before.picture !== null) await removePicture(tx, before.picture);
      path = picture && (await storePicture(tx, userId, picture));
    }
    const isCopy = isKeyTaken(userId, values.title, values.author, id);
    const [book] = await retryOnKeyConflict(tx, () =>
      tx.db
        .update(books)
        .set({ ...values, picture: path, isCopy, batchId: null, rowNumber: null })
        .where(isMine)
        .returning(),
    );
    if (!book) throw new Error("the update gave no row");
    return book;
  });
}

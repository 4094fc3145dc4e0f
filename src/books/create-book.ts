import type { Context } from "../context.ts";
import { inTransaction } from "../context.ts";
import type { Picture } from "../platform/pictures/stored-picture.ts";
import { books } from "../schema/targets.ts";
import { type BookValues, checkBook } from "./check-book.ts";
import { isKeyTaken, retryOnKeyConflict } from "./copies.ts";
import { storePicture } from "./pictures.ts";
import type { StoredBook } from "./queries.ts";

/**
 * Makes a book by hand, also where its owner has one of the same title and author.
 * @throws DomainError `invalid_input`
 */
export function createBook(
  ctx: Context,
  userId: number,
  given: Readonly<Partial<BookValues>>,
  picture: Picture | null,
): Promise<StoredBook> {
  const values = checkBook(given);
  return inTransaction(ctx, async (tx) => {
    const path = picture && (await storePicture(tx, userId, picture));
    const isCopy = isKeyTaken(userId, values.title, values.author);
    const [book] = await retryOnKeyConflict(tx, () =>
      tx.db
        .insert(books)
        .values({ ...values, userId, picture: path, isCopy })
        .returning(),
    );
    if (!book) throw new Error("the insert gave no row");
    return book;
  });
}

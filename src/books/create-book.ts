import { requireRoom } from "../accounts/quotas.ts";
import { type Context, inTransaction } from "../context.ts";
import type { Picture } from "../platform/pictures/stored-picture.ts";
import { books } from "../schema/targets.ts";
import { type BookValues, checkBook } from "./check-book.ts";
import { isKeyTaken, retryOnKeyConflict } from "./copies.ts";
import { storePicture } from "./pictures.ts";
import type { StoredBook } from "./queries.ts";

/**
 * Creates a book, even if its owner already has one with the same title and author.
 * @param input the fields that the client sent
 * @throws DomainError `invalid_input`, or QuotaExceeded if the owner has no room left for the book or its picture
 */
export function createBook(
  ctx: Context,
  userId: number,
  input: Readonly<Partial<BookValues>>,
  picture: Picture | null,
): Promise<StoredBook> {
  const values = checkBook(input);
  return inTransaction(ctx, async (tx) => {
    await requireRoom(tx, userId, { records: 1 });
    const path = picture && (await storePicture(tx, userId, picture));
    const [book] = await retryOnKeyConflict(tx, async () => {
      const isCopy = await isKeyTaken(tx, userId, values);
      return tx.db
        .insert(books)
        .values({ ...values, userId, picture: path, isCopy })
        .returning();
    });
    if (!book) throw new Error("The INSERT returned no row.");
    return book;
  });
}

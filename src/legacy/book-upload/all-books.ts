/** The list of all books, which the service answered at once. It is sent while it is read, so that it never fills the memory. */
import { and, asc, eq, gt } from "drizzle-orm";
import { listBooks } from "../../books/list-books.ts";
import { viewBook } from "../../books/views.ts";
import type { Context } from "../../context.ts";
import { DOWNLOAD_PAGE_BYTES, RELEASE } from "../../platform/http/bounded-answers.ts";
import { MAX_PAGE } from "../../platform/http/paging.ts";
import { books } from "../../schema/targets.ts";

/** Returns the id of the last of `count` books after `after`; null if the list ends before. */
export async function lastOfAnswer(
  { db }: Context,
  userId: number,
  after: number,
  count: number,
): Promise<number | null> {
  const [last, next] = await db
    .select({ id: books.id })
    .from(books)
    .where(and(eq(books.userId, userId), gt(books.id, after)))
    .orderBy(asc(books.id))
    .offset(count - 1)
    .limit(2);
  return last && next ? last.id : null;
}

/** Yields a JSON array of the books from `after` (exclusive) to `last`; null: to the end of the list. */
export async function* booksJson(
  ctx: Context,
  userId: number,
  after: number,
  last: number | null,
): AsyncGenerator<string> {
  let separator = "[";
  let position = { id: after, key: null };
  for (let isLast = false; !isLast; ) {
    const page = { sort: "id", after: position, limit: MAX_PAGE, maxBytes: DOWNLOAD_PAGE_BYTES } as const;
    const { items, hasMore } = await listBooks(ctx, userId, page);
    const shown = last === null ? items : items.filter(({ id }) => id <= last);
    const views = shown.map(({ book }) => {
      const { thumbnail_url: _, ...view } = viewBook(book, ctx.config.publicUrl);
      return JSON.stringify(view);
    });
    if (views.length > 0) {
      yield separator + views.join(",");
      separator = ",";
      yield RELEASE;
    }
    isLast = !hasMore || shown.length < items.length || items.at(-1)?.id === last;
    position = { id: items.at(-1)?.id ?? 0, key: null };
  }
  yield separator === "[" ? "[]" : "]";
}

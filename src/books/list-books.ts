import { and, eq, getTableColumns, type SQL, sql } from "drizzle-orm";
import { type Context, inTransaction } from "../context.ts";
import { invalidField } from "../errors.ts";
import { postgresError } from "../platform/postgres/database.ts";
import { type Found, readPage } from "../platform/postgres/read-page.ts";
import { SQLSTATE } from "../platform/sqlstates.ts";
import { books } from "../schema/targets.ts";
import type { StoredBook } from "./queries.ts";

/** A minus reverses the order. */
export const BOOK_SORTS = ["id", "-id", "title", "-title", "author", "-author"] as const;
export type BookSort = (typeof BOOK_SORTS)[number];

/** The position of a book in the order. The next page starts after it, even if that book was changed or removed. */
export interface BookPosition {
  readonly id: number;
  /** The title or author in the lower case of PostgreSQL; null if the order is by id. */
  readonly key: string | null;
}

export interface ListedBook extends BookPosition {
  readonly book: StoredBook;
}

export interface BookList {
  readonly sort: BookSort;
  /** null for the first page. */
  readonly after: BookPosition | null;
  readonly limit: number;
  readonly maxBytes?: number | undefined;
  /** Words that must all occur in the title or the author. */
  readonly search?: string | undefined;
}

/** The time limit of a page that is searched, or sorted by title or author. */
const MAX_MS = 5000;

/**
 * Lists books of the owner. A page by id without a search reads only its books. Any other page reads all books of the
 * owner, because an index would slow down every row of an upload. A million books took 1 s, and 2.5 s without a match.
 * @throws DomainError `invalid_input` if reading all books takes too long
 */
export async function listBooks(ctx: Context, userId: number, list: BookList): Promise<Found<ListedBook>> {
  const words = list.search?.split(/\s+/).filter(Boolean) ?? [];
  if (words.length === 0 && !keyOf(list.sort)) return pageOf(ctx, userId, list, words);
  try {
    return await pageOf(ctx, userId, list, words, (statement) =>
      inTransaction(ctx, async (tx) => {
        await tx.db.execute(sql`SELECT set_config('statement_timeout', ${String(MAX_MS)}, true)`);
        return (await tx.db.execute(statement)).rows;
      }),
    );
  } catch (error) {
    if (postgresError(error)?.code !== SQLSTATE.queryCanceled) throw error;
    const option = words.length > 0 ? "search" : "sort";
    const message = `Reading all of your books took more than ${MAX_MS / 1000} seconds. Leave out \`${option}\`, or try again later.`;
    throw invalidField(option, message, error);
  }
}

async function pageOf(
  ctx: Context,
  userId: number,
  { sort, after, limit, maxBytes }: BookList,
  words: readonly string[],
  run?: (statement: SQL) => Promise<Record<string, unknown>[]>,
): Promise<Found<ListedBook>> {
  const key = keyOf(sort);
  const isDescending = sort.startsWith("-");
  const direction = isDescending ? sql`DESC` : sql`ASC`;
  const follows = isDescending ? sql`<` : sql`>`;
  const isAfterKey =
    after && key ? sql`(${key}, ${books.id}) ${follows} (${after.key}, ${after.id})` : undefined;
  const isAfterId = after && !key ? sql`${books.id} ${follows} ${after.id}` : undefined;
  const where = and(eq(books.userId, userId), isAfterKey, isAfterId, ...words.map(hasWord));
  const byKey = key ? sql`${key} ${direction},` : sql``;
  const { items, hasMore } = await readPage(ctx, {
    fields: { ...getTableColumns(books), sortKey: sql<string | null>`${key ?? sql`NULL::text`}` },
    from: sql`${books} WHERE ${where} ORDER BY ${byKey} ${books.id} ${direction}`,
    order: sql`"sortKey" ${direction}, id ${direction}`,
    limit,
    maxBytes,
    run,
  });
  return { items: items.map(({ sortKey, ...book }) => ({ book, id: book.id, key: sortKey })), hasMore };
}

/** The first sort key; undefined: the books are sorted only by id. */
function keyOf(sort: BookSort): SQL<string> | undefined {
  return KEYS[sort.replace("-", "")];
}

const KEYS: Readonly<Record<string, SQL<string>>> = {
  title: sql<string>`lower(${books.title})`,
  author: sql<string>`lower(${books.author})`,
};

/** Uses `strpos`, because LIKE would treat `%` and `_` as wildcards. */
function hasWord(word: string): SQL {
  return sql`(strpos(lower(${books.title}), lower(${word})) > 0 OR strpos(lower(${books.author}), lower(${word})) > 0)`;
}

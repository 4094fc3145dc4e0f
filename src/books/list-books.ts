import { and, eq, getTableColumns, type SQL, sql } from "drizzle-orm";
import { type Context, readInTransaction } from "../context.ts";
import { invalidField } from "../errors.ts";
import { postgresError } from "../platform/postgres/database.ts";
import { type Found, type RunStatement, readPage } from "../platform/postgres/read-page.ts";
import { searchList } from "../platform/postgres/search-list.ts";
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

/** The time limit of a page that is sorted by title or author. */
const MAX_MS = 5000;

/**
 * Lists books of the owner. A page by id without a search reads only its books, and with one a part of the list. A page in another
 * order reads all books of the owner, because an index would slow down every row of an upload: 0.4 s for a million books.
 * @throws DomainError `invalid_input` if reading all books takes too long
 */
export async function listBooks(ctx: Context, userId: number, list: BookList): Promise<Found<ListedBook>> {
  const words = list.search?.split(/\s+/).filter(Boolean) ?? [];
  if (!keyOf(list.sort))
    return words.length === 0 ? pageOf(ctx, userId, list, words) : searchById(ctx, userId, list, words);
  try {
    return await pageOf(ctx, userId, list, words, {
      run: (statement) =>
        readInTransaction(ctx, async (tx) => {
          await tx.db.execute(sql`SELECT set_config('statement_timeout', ${String(MAX_MS)}, true)`);
          return (await tx.db.execute(statement)).rows;
        }),
    });
  } catch (error) {
    if (postgresError(error)?.code !== SQLSTATE.queryCanceled) throw error;
    const message = `Reading all of your books took more than ${MAX_MS / 1000} seconds. Leave out \`sort\`, or try again later.`;
    throw invalidField("sort", message, error);
  }
}

function searchById(
  ctx: Context,
  userId: number,
  list: BookList,
  words: readonly string[],
): Promise<Found<ListedBook>> {
  const { isDescending, direction, follows } = orderOf(list.sort);
  const isAfter = list.after ? sql`${books.id} ${follows} ${list.after.id}` : undefined;
  const where = and(eq(books.userId, userId), isAfter);
  return searchList(ctx.db, {
    list: (count) =>
      sql`SELECT * FROM ${books} WHERE ${where} ORDER BY ${books.id} ${direction} LIMIT ${count}`,
    key: "id",
    isAscending: !isDescending,
    texts: ["title", "author"],
    run: (statement) =>
      readInTransaction(ctx, async (tx) => {
        // Without statistics of owners, PostgreSQL expects fewer books than the limit, and would read and sort all of them.
        await tx.db.execute(
          sql`SELECT set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true)`,
        );
        return (await tx.db.execute(statement)).rows;
      }),
    read: (last) => pageOf(ctx, userId, list, words, { upTo: last === null ? undefined : Number(last) }),
  });
}

function orderOf(sort: BookSort) {
  const isDescending = sort.startsWith("-");
  return {
    isDescending,
    direction: isDescending ? sql`DESC` : sql`ASC`,
    follows: isDescending ? sql`<` : sql`>`,
  };
}

async function pageOf(
  ctx: Context,
  userId: number,
  { sort, after, limit, maxBytes }: BookList,
  words: readonly string[],
  { run, upTo }: { run?: RunStatement; upTo?: number | undefined } = {},
): Promise<Found<ListedBook>> {
  const key = keyOf(sort);
  const { direction, follows } = orderOf(sort);
  const isAfterKey =
    after && key ? sql`(${key}, ${books.id}) ${follows} (${after.key}, ${after.id})` : undefined;
  const isAfterId = after && !key ? sql`${books.id} ${follows} ${after.id}` : undefined;
  const isSearched = upTo === undefined ? undefined : sql`NOT (${books.id} ${follows} ${upTo})`;
  const where = and(eq(books.userId, userId), isAfterKey, isAfterId, isSearched, ...words.map(hasWord));
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

import { and, eq, getTableColumns, type SQL, sql } from "drizzle-orm";
import { type Context, inTransaction } from "../context.ts";
import { invalidField } from "../errors.ts";
import { postgresError } from "../platform/postgres/database.ts";
import { SQLSTATE } from "../platform/sqlstates.ts";
import { books } from "../schema/targets.ts";
import type { StoredBook } from "./queries.ts";

/** A minus in front: the other way round. */
export const BOOK_SORTS = ["id", "-id", "title", "-title", "author", "-author"] as const;
export type BookSort = (typeof BOOK_SORTS)[number];

/** Where a page ended: the last book's place in the order, which holds also once that book is changed or gone. */
export interface BookPlace {
  readonly id: number;
  /** What the order goes by beside the id: the title or author, as PostgreSQL lowers it. */
  readonly key: string | null;
}

export interface ListedBook extends BookPlace {
  readonly book: StoredBook;
}

export interface BookList {
  readonly sort: BookSort;
  readonly after: BookPlace | null;
  readonly limit: number;
  /** Words that must each be in the title or the author. */
  readonly search?: string | undefined;
}

/** Longest that a search or an order other than by id may take. */
const MAX_MS = 5000;

/**
 * A page of the owner's books. By id without a search it costs its own length; else one pass over the owner's books,
 * whatever the page (a million took 1 s, without a match 2.5 s, on a busy machine): an index for it would have to be
 * kept up by every row of an upload.
 * @throws DomainError `invalid_input` where that pass takes too long
 */
export async function listBooks(ctx: Context, userId: number, list: BookList): Promise<ListedBook[]> {
  const words = list.search?.split(/\s+/).filter(Boolean) ?? [];
  if (words.length === 0 && !keyOf(list.sort)) return readPage(ctx, userId, list, words);
  try {
    return await inTransaction(ctx, async (tx) => {
      await tx.db.execute(sql`SELECT set_config('statement_timeout', ${String(MAX_MS)}, true)`);
      return readPage(tx, userId, list, words);
    });
  } catch (error) {
    if (postgresError(error)?.code !== SQLSTATE.queryCanceled) throw error;
    const message = `took more than ${MAX_MS / 1000} s over all of your books; leave it out, or try again later.`;
    throw invalidField(words.length > 0 ? "search" : "sort", message, error);
  }
}

async function readPage(
  ctx: Context,
  userId: number,
  { sort, after, limit }: BookList,
  words: readonly string[],
): Promise<ListedBook[]> {
  const key = keyOf(sort);
  const isDown = sort.startsWith("-");
  const direction = isDown ? sql`DESC` : sql`ASC`;
  const comes = isDown ? sql`<` : sql`>`;
  const isAfter = after && key ? sql`(${key}, ${books.id}) ${comes} (${after.key}, ${after.id})` : undefined;
  const isAfterId = after && !key ? sql`${books.id} ${comes} ${after.id}` : undefined;
  const found = await ctx.db
    .select({ ...getTableColumns(books), sortKey: key ?? sql<null>`NULL` })
    .from(books)
    .where(and(eq(books.userId, userId), isAfter, isAfterId, ...words.map(hasWord)))
    .orderBy(...(key ? [sql`${key} ${direction}`] : []), sql`${books.id} ${direction}`)
    .limit(limit);
  return found.map(({ sortKey, ...book }) => ({ book, id: book.id, key: sortKey }));
}

/** What an order goes by beside the id. */
function keyOf(sort: BookSort): SQL<string> | undefined {
  return KEYS[sort.replace("-", "")];
}

const KEYS: Readonly<Record<string, SQL<string>>> = {
  title: sql<string>`lower(${books.title})`,
  author: sql<string>`lower(${books.author})`,
};

/** By `strpos`, which knows no wildcards. */
function hasWord(word: string): SQL {
  return sql`(strpos(lower(${books.title}), lower(${word})) > 0 OR strpos(lower(${books.author}), lower(${word})) > 0)`;
}

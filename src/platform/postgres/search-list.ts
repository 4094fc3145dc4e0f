/**
 * Searches lists for words, which no index finds. Each page looks at a bounded part of the list, so that it takes about the same time in
 * a list of a thousand items and in one of millions, and tells how far it has looked.
 */
import { type SQL, sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import type { Found, Position } from "./read-page.ts";

/** The items that a page looks at: 10,000 tasks take about 25 ms. */
const SEARCHED_ITEMS = 10_000;

/** The bytes of text that a page looks at. */
const SEARCHED_BYTES = 2 ** 22;

export interface Search<Item> {
  /** Selects the items from the start of the page, whatever their words, in the order of the list. */
  readonly list: (limit: number) => SQL;
  /** The names of columns of `list`. The order of keys is that of the list. */
  readonly key: string;
  readonly isAscending?: boolean;
  /** Those that are searched for words. */
  readonly texts: readonly string[];
  /** Bytes of an item that are searched besides. */
  readonly bytes?: SQL;
  /** Selects the items to look at; absent: outside of a transaction. */
  readonly run?: (statement: SQL) => Promise<Record<string, unknown>[]>;
  /** Reads the items that have the words, up to and with that key; null: to the end of the list. */
  readonly read: (last: Position["key"] | null) => Promise<Found<Item>>;
}

export async function searchList<Item>(db: Database, search: Search<Item>): Promise<Found<Item>> {
  const last = await lastSearched(db, search);
  const found = await search.read(last?.key ?? null);
  return found.hasMore || !last ? found : { items: found.items, hasMore: true, searchedTo: last };
}

/** Returns the last item to look at; null: all of them. */
async function lastSearched<Item>(
  db: Database,
  { list, key, isAscending = false, texts, bytes: others = sql`0`, run }: Search<Item>,
): Promise<Position | null> {
  const column = sql.identifier(key);
  // The length is stored beside a long text, so that this reads none.
  const bytes = sql.join(
    [others, ...texts.map((name) => sql`coalesce(octet_length(${sql.identifier(name)}), 0)`)],
    sql` + `,
  );
  const order = sql`${column} ${sql.raw(isAscending ? "ASC" : "DESC")}`;
  const statement = sql`
    SELECT key, created_at AS "createdAt" FROM (
      SELECT ${column} AS key, created_at, row_number() OVER list AS item, sum(${bytes}) OVER list AS bytes,
        lead(true) OVER list AS "hasNext"
      FROM (${list(SEARCHED_ITEMS + 1)}) AS newest
      WINDOW list AS (ORDER BY ${order} ROWS UNBOUNDED PRECEDING)
    ) AS measured
    WHERE "hasNext" AND (item = ${SEARCHED_ITEMS} OR bytes > ${SEARCHED_BYTES}) ORDER BY item LIMIT 1`;
  const [last] = run ? await run(statement) : (await db.execute(statement)).rows;
  return last ? { key: String(last.key), createdAt: new Date(String(last.createdAt)) } : null;
}

/**
 * Searches lists for words, and for combinations of filters, which no index finds. Each page looks at a bounded part of the list, so that
 * it takes about the same time in a list of a thousand items and in one of millions, and tells how far it has looked.
 */
import { type SQL, sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import type { Found, Position, RunStatement } from "./read-page.ts";

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
  /** Those that are searched for words; none: the items are short. */
  readonly texts: readonly string[];
  /** The items that the page looks at; absent: 10,000. */
  readonly items?: number;
  /** Bytes of an item that are searched besides. */
  readonly bytes?: SQL;
  /** Selects the items to look at; absent: outside of a transaction. */
  readonly run?: RunStatement;
  /** Reads the items that have the words, up to and with that key; null: to the end of the list. */
  readonly read: (last: Position["key"] | null) => Promise<Found<Item>>;
}

export async function searchList<Item>(db: Database, search: Search<Item>): Promise<Found<Item>> {
  const last = await lastSearched(db, search);
  const found = await search.read(last?.key ?? null);
  return found.hasMore || !last ? found : { items: found.items, hasMore: true, searchedTo: last };
}

/** Returns the last item to look at; null: all of them. */
async function lastSearched<Item>(db: Database, search: Search<Item>): Promise<Position | null> {
  const { texts, bytes, run } = search;
  const statement = texts.length === 0 && bytes === undefined ? lastByNumber(search) : lastByLength(search);
  const [last] = run ? await run(statement) : (await db.execute(statement)).rows;
  return last ? { key: String(last.key), createdAt: new Date(String(last.createdAt)) } : null;
}

const orderOf = <Item>({ key, isAscending = false }: Search<Item>): SQL =>
  sql`${sql.identifier(key)} ${sql.raw(isAscending ? "ASC" : "DESC")}`;

function lastByNumber<Item>(search: Search<Item>): SQL {
  const { list, key, items = SEARCHED_ITEMS } = search;
  return sql`
    SELECT key, created_at AS "createdAt" FROM (
      SELECT key, created_at, lead(true) OVER () AS "hasNext" FROM (
        SELECT ${sql.identifier(key)} AS key, created_at FROM (${list(items + 1)}) AS newest ORDER BY ${orderOf(search)} OFFSET ${items - 1}
      ) AS last
    ) AS last WHERE "hasNext"`;
}

function lastByLength<Item>(search: Search<Item>): SQL {
  const { list, key, texts, bytes: others = sql`0`, items = SEARCHED_ITEMS } = search;
  // The length is stored beside a long text, so that this reads none.
  const bytes = sql.join(
    [others, ...texts.map((name) => sql`coalesce(octet_length(${sql.identifier(name)}), 0)`)],
    sql` + `,
  );
  return sql`
    SELECT key, created_at AS "createdAt" FROM (
      SELECT ${sql.identifier(key)} AS key, created_at, row_number() OVER list AS item, sum(${bytes}) OVER list AS bytes,
        lead(true) OVER list AS "hasNext"
      FROM (${list(items + 1)}) AS newest
      WINDOW list AS (ORDER BY ${orderOf(search)} ROWS UNBOUNDED PRECEDING)
    ) AS measured
    WHERE "hasNext" AND (item = ${items} OR bytes > ${SEARCHED_BYTES}) ORDER BY item LIMIT 1`;
}

/**
 * Reads pages of lists. A page ends early if its items are long, so that no list of long items fills the memory. The
 * database measures items until the page is full, and sends only those that fit.
 */
import { Column, is, type SQL, sql } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";
import type { SelectResultFields } from "drizzle-orm/query-builders/select.types";
import { leaveGarbage } from "../process/garbage.ts";
import type { Database } from "./database.ts";

/** The bytes of a page. An item that is longer than this is a page of its own. */
const PAGE_BYTES = 2 ** 20;

/** The bytes that an answer usually adds to each item: names of fields, and values that are not measured. */
export const ITEM_BYTES = 500;

/**
 * While an item is read, the driver, the parser and the answer have copies of it. Strings take two bytes per character if
 * one character is not Latin, and the driver doubles its buffer until the item fits.
 */
const COPIES = 8;

export interface Found<Item> {
  readonly items: Item[];
  /** Whether the list has items after these. */
  readonly hasMore: boolean;
  /** The item at which a search stopped because it had looked at enough. The next page continues after it. */
  readonly searchedTo?: Position | undefined;
}

export interface Position {
  readonly key: string | number;
  readonly createdAt: Date;
}

/** Makes a page of items that are short and have been read already, one more than `limit` if the list goes on. */
export function firstOf<Item>(items: readonly Item[], limit: number): Found<Item> {
  return { items: items.slice(0, limit), hasMore: items.length > limit };
}

type Fields = Readonly<Record<string, PgColumn | SQL>>;

/** Runs a statement, for example in a transaction with settings of its own. @returns the rows */
export type RunStatement = (statement: SQL) => Promise<Record<string, unknown>[]>;

export interface ListQuery<F extends Fields> {
  readonly fields: F;
  /** Everything after FROM, up to and with ORDER BY. */
  readonly from: SQL;
  /** The same order in terms of the names of `fields`. It must be unique. */
  readonly order: SQL;
  readonly limit: number;
  /** The bytes that the answer adds to each item, such as the names of columns; absent: ITEM_BYTES. */
  readonly addedBytes?: number;
  readonly maxBytes?: number | undefined;
  /** Runs a statement of the page; absent: outside of a transaction. */
  readonly run?: RunStatement | undefined;
}

export interface Reader {
  readonly db: Database;
  /** Waits until there is memory for this many bytes of an answer, instead of the bytes reserved before. */
  readonly reserveMemory: (bytes: number) => Promise<void>;
}

/** Reads up to `limit` items, and fewer if they are long, but at least one unless the list has ended. */
export async function readPage<F extends Fields>(
  { db, reserveMemory }: Reader,
  query: ListQuery<F>,
): Promise<Found<SelectResultFields<F>>> {
  const { fields, maxBytes = PAGE_BYTES } = query;
  const run: RunStatement = query.run ?? (async (statement) => (await db.execute(statement)).rows);
  await reserveMemory(maxBytes);
  let rows = await run(itemsWithin(query, maxBytes));
  // Repeats if the item has grown meanwhile. An empty row stands for a first item that is too long.
  while (rows[0]?.page_item === null) {
    const [first] = await run(sizeOfFirst(query));
    if (!first) return { items: [], hasMore: false };
    const bytes = Number(first.bytes);
    await reserveMemory(bytes * COPIES);
    // The long items before this one have been sent.
    leaveGarbage(bytes);
    rows = await run(itemsWithin({ ...query, limit: 1 }, bytes));
  }
  const isLongItem = rows.length === 1 && query.limit > 1 && rows[0]?.page_has_more === true;
  if (isLongItem) leaveGarbage(maxBytes);
  const items = rows.map(decoderOf(fields));
  return { items, hasMore: rows.at(-1)?.page_has_more === true };
}

/** Reads one item, however long it is. */
export async function readOne<F extends Fields>(
  reader: Reader,
  query: Omit<ListQuery<F>, "limit" | "order">,
): Promise<SelectResultFields<F> | undefined> {
  const { items } = await readPage(reader, { ...query, limit: 1, order: sql`1` });
  return items[0];
}

function itemsWithin(query: ListQuery<Fields>, maxBytes: number): SQL {
  const { fields, limit } = query;
  return sql`
    WITH page AS MATERIALIZED (${numbered(query)})
    SELECT ${list(Object.keys(fields).map((name) => sql.identifier(name)))}, page_has_more, page_item
    FROM (SELECT 1 AS one WHERE EXISTS (SELECT 1 FROM page)) AS not_empty
    LEFT JOIN page ON page_item <= ${limit} AND page_item < coalesce((
      SELECT page_item
      FROM (
        SELECT page_item, sum(${sizeOf(query)}) OVER (ORDER BY page_item ROWS UNBOUNDED PRECEDING) AS bytes FROM page
      ) AS measured
      WHERE bytes > ${maxBytes} ORDER BY page_item LIMIT 1
    ), ${limit + 1}) ORDER BY page_item`;
}

/** The size of the first item, which is longer than a page. */
function sizeOfFirst(query: ListQuery<Fields>): SQL {
  return sql`SELECT ${sizeOf(query)} AS bytes FROM (${numbered({ ...query, limit: 1 })}) AS page WHERE page_item = 1`;
}

/** Up to one item more than the page. It has long values only by reference; only those that the page may contain are read. */
function numbered({ fields, from, order, limit }: ListQuery<Fields>): SQL {
  const columns = Object.entries(fields).map(([name, field]) => sql`${field} AS ${sql.identifier(name)}`);
  return sql`
    SELECT *, row_number() OVER list AS page_item, lead(true, 1, false) OVER list AS page_has_more
    FROM (SELECT ${list(columns)} FROM ${from} LIMIT ${limit + 1}) AS found
    WINDOW list AS (ORDER BY ${order})`;
}

function sizeOf({ fields, addedBytes = ITEM_BYTES }: ListQuery<Fields>): SQL {
  const long = Object.keys(fields).filter((name) => mayBeLong(fields[name]));
  const sizes = long.map((name) => sql`coalesce(octet_length(${sql.identifier(name)}::text), 0)`);
  return sql.join([sql.raw(String(Math.ceil(addedBytes))), ...sizes], sql` + `);
}

function list(parts: readonly (SQL | ReturnType<typeof sql.identifier>)[]): SQL {
  return sql.join([...parts], sql`, `);
}

/** Columns whose values have no fixed length. */
const LONG = new Set(["PgText", "PgJson", "PgArray"]);

function mayBeLong(field: PgColumn | SQL | undefined): boolean {
  return !is(field, Column) || LONG.has(field.columnType);
}

/** Maps rows of the driver as drizzle does. */
function decoderOf<F extends Fields>(fields: F): (row: Record<string, unknown>) => SelectResultFields<F> {
  const columns = Object.entries(fields).map(([name, field]) => ({
    name,
    column: is(field, Column) ? field : null,
  }));
  return (row) => {
    const item: Record<string, unknown> = {};
    for (const { name, column } of columns) {
      const value = row[name] ?? null;
      item[name] = value === null || column === null ? value : column.mapFromDriverValue(value);
    }
    return item as SelectResultFields<F>;
  };
}

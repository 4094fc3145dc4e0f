/** Tables for target records, one per target. */
import { sql } from "drizzle-orm";
import { bigint, boolean, index, integer, json, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import { identity, moment, rowmill } from "./columns.ts";

/** A hash of title and author in lower case. Both in full would not fit into an entry of a B-tree. */
export const BOOK_KEY = "md5(lower(title) || chr(31) || lower(author))::uuid";

/**
 * Restricts an index by owner to queries that ask for `id > 0`. Without statistics about an owner, the planner takes any
 * index that begins with the owner for equally good: a look-up by key would then read all books of the owner.
 */
const FOR_LISTS = sql`id > 0`;

export const books = rowmill.table(
  "books",
  {
    id: identity("id").primaryKey(),
    /** No foreign key, for the same reason as in `batch_rows`. */
    userId: bigint("user_id", { mode: "number" }).notNull(),
    title: text("title").notNull(),
    author: text("author").notNull(),
    description: text("description").notNull().default(""),
    /** The path below /media/; null: the book has no picture. */
    picture: text("picture"),
    createdAt: moment("created_at").notNull().defaultNow(),
    /** The row that wrote the book last, for undo; null: a user created or changed it by hand. */
    batchId: uuid("batch_id"),
    rowNumber: integer("row_number"),
    /** Whether the owner had a book with the same key already. A copy has no key. */
    isCopy: boolean("is_copy").notNull().default(false),
    /** Unique per owner; null for a copy. */
    key: uuid("key").generatedAlwaysAs(sql.raw(`CASE WHEN NOT is_copy THEN ${BOOK_KEY} END`)),
  },
  (t) => [
    index("books_owner").on(t.userId, t.id).where(FOR_LISTS),
    uniqueIndex("books_key").on(t.userId, t.key),
  ],
);

/** The records of the target `records`: rows of any file, stored unchanged. */
export const records = rowmill.table(
  "records",
  {
    id: identity("id").primaryKey(),
    /** No foreign key, for the same reason as in `batch_rows`. */
    userId: bigint("user_id", { mode: "number" }).notNull(),
    batchId: uuid("batch_id").notNull(),
    rowNumber: integer("row_number").notNull(),
    /** An object whose names are in the order of the header. `jsonb` would not keep the order. */
    data: json("data").notNull(),
    createdAt: moment("created_at").notNull().defaultNow(),
  },
  (t) => [
    index("records_owner").on(t.userId, t.id).where(FOR_LISTS),
    uniqueIndex("records_row").on(t.batchId, t.rowNumber),
  ],
);

/** The records that rows become: a table a target. */
import { sql } from "drizzle-orm";
import { bigint, boolean, index, integer, json, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import { identity, moment, rowmill } from "./columns.ts";

/** Title and author without regard to case. A hash, since a B-tree entry is too small for both in full. */
export const BOOK_KEY = "md5(lower(title) || chr(31) || lower(author))::uuid";

export const books = rowmill.table(
  "books",
  {
    id: identity("id").primaryKey(),
    /** No foreign key, for the same reason as in `batch_rows`. */
    userId: bigint("user_id", { mode: "number" }).notNull(),
    title: text("title").notNull(),
    author: text("author").notNull(),
    description: text("description").notNull().default(""),
    /** Path below /media/, null while the book has no picture. */
    picture: text("picture"),
    createdAt: moment("created_at").notNull().defaultNow(),
    /** The row that last wrote it; null once it was made or changed by hand. What undoing a batch goes by. */
    batchId: uuid("batch_id"),
    rowNumber: integer("row_number"),
    /** Made although its owner had a book of the same key: it does not hold the key. */
    isCopy: boolean("is_copy").notNull().default(false),
    /** What its owner has no other book of; null for a copy. */
    key: uuid("key").generatedAlwaysAs(sql.raw(`CASE WHEN NOT is_copy THEN ${BOOK_KEY} END`)),
  },
  (t) => [index("books_owner").on(t.userId, t.id), uniqueIndex("books_key").on(t.userId, t.key)],
);

/** What the `records` target makes: a row of any file, kept as it is. */
export const records = rowmill.table(
  "records",
  {
    id: identity("id").primaryKey(),
    /** No foreign key, for the same reason as in `batch_rows`. */
    userId: bigint("user_id", { mode: "number" }).notNull(),
    batchId: uuid("batch_id").notNull(),
    rowNumber: integer("row_number").notNull(),
    /** An object with the header's names in their order, which `jsonb` would not keep. */
    data: json("data").notNull(),
    createdAt: moment("created_at").notNull().defaultNow(),
  },
  (t) => [index("records_owner").on(t.userId, t.id), uniqueIndex("records_row").on(t.batchId, t.rowNumber)],
);

/** Statements that create books from plain rows in the database. */
import { type SQL, sql } from "drizzle-orm";
import type { BatchMode } from "../../schema/batches.ts";
import { BOOK_KEY } from "../../schema/targets.ts";
import type { PlainInsert } from "../plain-inserts.ts";
import type { Place } from "../plain-rows.ts";
import type { TargetBatch } from "../target.ts";

/**
 * In the mode `upsert` the last row of a key wins, so no other row may follow that updates the new book. In the mode `append`
 * the first row of a chunk holds the key, and the others are copies. In the other modes an earlier row takes the book of a
 * later one (take-books.ts).
 */
export function placeOf(mode: BatchMode): Place {
  if (mode === "upsert") return "after-others";
  return mode === "append" ? "before-others" : "anywhere";
}

/**
 * The first statement is a quarter faster: it has no ON CONFLICT, and inserts the rows in the order of the file, so it need not
 * compute their keys and sort them. If a key is taken, the second one leaves out the rows with such keys. Like all other writes
 * of books, it is sorted by key, so that concurrent transactions lock keys in the same order.
 * @param plain the plain rows as a table
 * @param id of the book of a row
 */
export function insertPlainBooks(batch: TargetBatch, plain: SQL, id: SQL): PlainInsert[] {
  const isUpsert = batch.mode === "upsert";
  const insert = (rows: SQL) => sql`
    INSERT INTO rowmill.books (id, user_id, batch_id, row_number, title, author, description)
    SELECT ${id}, ${batch.userId}, ${batch.id}, row_number, title, author, description
    FROM ${rows} RETURNING row_number, id AS record_id`;
  const sorted = sql`(SELECT *, ${sql.raw(BOOK_KEY)} AS key FROM ${plain}) AS keyed
    ORDER BY key, row_number ${isUpsert ? sql`DESC` : sql``} ON CONFLICT (user_id, key) DO NOTHING`;
  const leaving = { statement: insert(sorted), isUnordered: false };
  if (isUpsert || batch.mode === "skip_existing") return [leaving];
  return [{ statement: insert(sql`${plain} ORDER BY row_number`), isUnordered: true }, leaving];
}

/** Writes a slice of books in any mode. Concurrent slices may have the same keys. */
import { type SQL, sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import { postgresError, underSavepoint } from "../../platform/postgres/database.ts";
import { idsFor } from "../allocate-ids.ts";
import { created, unchanged } from "../outcomes.ts";
import { returnSingle } from "../return-single.ts";
import type { Outcome, TargetBatch } from "../target.ts";
import { type BookRow, bookRemoved, cellsOf } from "./book-rows.ts";
import { duplicate, findHolders } from "./key-holders.ts";
import { takeBooksOfLaterRows } from "./take-books.ts";
import { upsertBooks } from "./upsert-books.ts";

export async function writeBooks(tx: Tx, batch: TargetBatch, rows: readonly BookRow[]): Promise<Outcome[]> {
  if (batch.mode === "upsert") return upsertBooks(tx, batch, rows);
  const ids = await idsFor(tx, "books", rows);
  const cells = cellsOf(ids, rows);
  const insert = sql`
    INSERT INTO rowmill.books (id, user_id, batch_id, row_number, title, author, description)
    SELECT id, ${batch.userId}, ${batch.id}, row_number, title, author, description FROM ${cells}`;
  if (batch.mode !== "skip_existing" && (await insertNew(tx, sql`${insert}${returnSingle(rows)}`)))
    return ids.map(created);
  const inserted = await tx.db.execute(sql`${insert} ON CONFLICT (user_id, key) DO NOTHING RETURNING id`);
  if (inserted.rows.length === rows.length) return ids.map(created);
  if (batch.mode === "append") {
    await insertCopies(tx, batch, cells);
    return ids.map(created);
  }
  const holders = await findHolders(tx, batch, cells);
  const displaced = await takeBooksOfLaterRows(tx, batch, rows, holders);
  return rows.map(({ row }, index) => {
    const holder = holders.get(row);
    if (!holder) return bookRemoved;
    const recordId = Number(holder.id);
    if (recordId === ids[index]) return created(recordId);
    const displaces = displaced.get(row);
    if (displaces) return { kind: "success", recordId, effect: "created", displaces };
    return batch.mode === "skip_existing" ? unchanged(recordId) : duplicate(batch, holder);
  });
}

/**
 * Inserts without ON CONFLICT, which would make the insert 20 % slower: in most slices no key is taken.
 * @returns false if a key is taken; then nothing was inserted
 */
async function insertNew(tx: Tx, insert: SQL): Promise<boolean> {
  try {
    await underSavepoint(tx, () => tx.db.execute(insert));
    return true;
  } catch (error) {
    if (postgresError(error)?.constraint !== "books_key") throw error;
    return false;
  }
}

/** Inserts the rows whose key is taken as copies, which do not hold their key. */
async function insertCopies(tx: Tx, batch: TargetBatch, cells: SQL): Promise<void> {
  await tx.db.execute(sql`
    INSERT INTO rowmill.books (id, user_id, batch_id, row_number, is_copy, title, author, description)
    SELECT id, ${batch.userId}, ${batch.id}, row_number, true, title, author, description FROM ${cells}
    WHERE (SELECT true FROM rowmill.books WHERE user_id = ${batch.userId} AND books.id = cells.id LIMIT 1) IS NULL`);
}

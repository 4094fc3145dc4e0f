/** Creates or updates books by key. If rows of a file have the same key, the last row wins, even if it is written first. */
import { type SQL, sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import { idsFor } from "../allocate-ids.ts";
import { findDecidedByLaterRows } from "../later-rows.ts";
import { created, unchanged } from "../outcomes.ts";
import type { Outcome, TargetBatch } from "../target.ts";
import { type BookRow, bookRemoved, cellsOf } from "./book-rows.ts";
import { type BookState, updateBooks } from "./update-books.ts";

/** The book with the key of a row. */
interface LockedBook extends BookState, Record<string, unknown> {
  readonly row: number;
  readonly id: string;
}

type Values = BookRow["values"];

interface Update {
  readonly row: number;
  readonly book: LockedBook;
  readonly values: Values;
}

export async function upsertBooks(tx: Tx, batch: TargetBatch, rows: readonly BookRow[]): Promise<Outcome[]> {
  const ids = await idsFor(tx, "books", rows);
  const cells = cellsOf(ids, rows);
  const inserted = await tx.db.execute(sql`
    INSERT INTO rowmill.books (id, user_id, batch_id, row_number, title, author, description)
    SELECT DISTINCT ON (key) id, ${batch.userId}, ${batch.id}, row_number, title, author, description FROM ${cells}
    ORDER BY key, row_number DESC
    ON CONFLICT (user_id, key) DO NOTHING RETURNING id`);
  if (inserted.rows.length === rows.length) return ids.map(created);

  const books = await lockBooks(tx, batch, cells);
  const updated = await writeUpdates(tx, batch, updatesFor(batch, rows, books));
  return rows.map(({ row }, index) => {
    const book = books.get(row);
    if (!book) return bookRemoved;
    const recordId = Number(book.id);
    if (recordId === ids[index]) return created(recordId);
    if (!updated.has(row)) return unchanged(recordId);
    const { title, author, description, batch_id, row_number } = book;
    const before: BookState = { title, author, description, batch_id, row_number };
    return { kind: "success", recordId, effect: "updated", before };
  });
}

/** Locks the books that have the keys of the rows, so that they stay unchanged until the commit. */
async function lockBooks(tx: Tx, batch: TargetBatch, cells: SQL): Promise<Map<number, LockedBook>> {
  const { rows } = await tx.db.execute<LockedBook>(sql`
    SELECT cells.row_number AS row, book.* FROM ${cells} CROSS JOIN LATERAL (
      SELECT id, title, author, description, batch_id, row_number FROM rowmill.books
      WHERE user_id = ${batch.userId} AND key = cells.key LIMIT 1 FOR UPDATE
    ) AS book`);
  return new Map(rows.map((book) => [book.row, book]));
}

/** The last update per book. Columns that the file does not have stay unchanged. */
function updatesFor(
  batch: TargetBatch,
  rows: readonly BookRow[],
  books: ReadonlyMap<number, LockedBook>,
): Map<string, Update> {
  const updates = new Map<string, Update>();
  for (const { row, values } of rows) {
    const book = books.get(row);
    if (!book) continue;
    const description = "description" in batch.mapping ? values.description : book.description;
    // Rows are in the order of the file, so the last row with a key replaces the rows before it.
    updates.set(book.id, { row, book, values: { ...values, description } });
  }
  return updates;
}

/** @returns the rows that updated their book */
async function writeUpdates(
  tx: Tx,
  batch: TargetBatch,
  updates: ReadonlyMap<string, Update>,
): Promise<Set<number>> {
  const changes = [...updates.values()].filter(
    ({ row, book, values }) =>
      (book.title !== values.title ||
        book.author !== values.author ||
        book.description !== values.description) &&
      !(book.batch_id === batch.id && (book.row_number ?? 0) > row),
  );
  const decided = await findDecidedByLaterRows(
    tx,
    batch.id,
    changes.map(({ row, book }) => ({ row, recordId: Number(book.id) })),
  );
  const due = changes.filter(({ book }) => !decided.has(Number(book.id)));
  await updateBooks(
    tx,
    batch,
    due.map(({ row, book, values }) => ({ ...values, id: book.id, batch_id: batch.id, row_number: row })),
  );
  return new Set(due.map(({ row }) => row));
}

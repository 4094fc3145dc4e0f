import { sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import type { TargetBatch, UndoOutcome, WrittenRow } from "../target.ts";
import type { BookBefore } from "./upsert-books.ts";

interface Found extends Record<string, unknown> {
  readonly id: string;
  readonly batchId: string | null;
  readonly rowNumber: number | null;
}

/** Removes the books that rows made and restores those that they changed, as long as they are as the row left them. */
export async function undoBooks(
  tx: Tx,
  batch: TargetBatch,
  rows: readonly WrittenRow[],
): Promise<UndoOutcome[]> {
  const found = await holdBooks(tx, batch, rows);
  const reasons = rows.map(({ row, recordId }) => reasonToKeep(batch, row, found.get(recordId)));
  const reversible = rows.filter((_, index) => reasons[index] === null);
  await removeBooks(
    tx,
    reversible.filter(({ effect }) => effect === "created"),
  );
  await restoreBooks(
    tx,
    reversible.filter(({ effect }) => effect === "updated"),
  );
  return reasons.map((reason) => (reason === null ? { kind: "reversed" } : { kind: "kept", reason }));
}

/** Locked in the order in which rows are written. */
async function holdBooks(
  tx: Tx,
  batch: TargetBatch,
  rows: readonly WrittenRow[],
): Promise<Map<number, Found>> {
  const ids = sql.param(rows.map(({ recordId }) => recordId));
  const { rows: found } = await tx.db.execute<Found>(sql`
    SELECT id, batch_id AS "batchId", row_number AS "rowNumber" FROM rowmill.books
    WHERE id = ANY(${ids}::bigint[]) AND user_id = ${batch.userId} ORDER BY key, id FOR UPDATE`);
  return new Map(found.map((book) => [Number(book.id), book]));
}

/** Null: nobody wrote to the book after this row did. */
function reasonToKeep(batch: TargetBatch, row: number, book: Found | undefined): string | null {
  if (!book) return "The book was deleted since.";
  if (book.batchId === null) return "The book was changed by hand since.";
  if (book.batchId !== batch.id)
    return `The book was changed by another import since (batch ${book.batchId}).`;
  if (book.rowNumber !== row)
    return `The book is as row ${book.rowNumber} of this file left it, which was not undone.`;
  return null;
}

async function removeBooks(tx: Tx, rows: readonly WrittenRow[]): Promise<void> {
  if (rows.length === 0) return;
  const ids = sql.param(rows.map(({ recordId }) => recordId));
  await tx.db.execute(sql`DELETE FROM rowmill.books WHERE id = ANY(${ids}::bigint[])`);
}

async function restoreBooks(tx: Tx, rows: readonly WrittenRow[]): Promise<void> {
  if (rows.length === 0) return;
  const books = rows.map(({ recordId, before }) => ({ id: recordId, ...(before as BookBefore) }));
  const column = (name: keyof BookBefore | "id") => sql.param(books.map((book) => book[name]));
  await tx.db.execute(sql`
    UPDATE rowmill.books SET title = before.title, author = before.author, description = before.description,
      batch_id = before.batch_id, row_number = before.row_number
    FROM unnest(${column("id")}::bigint[], ${column("title")}::text[], ${column("author")}::text[],
      ${column("description")}::text[], ${column("batch_id")}::uuid[], ${column("row_number")}::int[])
      AS before (id, title, author, description, batch_id, row_number)
    WHERE books.id = before.id`);
}

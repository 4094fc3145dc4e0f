import { sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import type { TargetBatch, UndoOutcome, WrittenRow } from "../target.ts";
import type { BookBefore } from "./upsert-books.ts";

/** A book and the row that wrote it last. */
interface LastWrite extends Record<string, unknown> {
  readonly id: string;
  readonly batchId: string | null;
  readonly rowNumber: number | null;
}

/** Removes books that the rows created and restores books that they updated, unless they were changed later. */
export async function undoBooks(
  tx: Tx,
  batch: TargetBatch,
  rows: readonly WrittenRow[],
): Promise<UndoOutcome[]> {
  const books = await lockBooks(tx, batch, rows);
  const reasons = rows.map(({ row, recordId }) => reasonToKeep(batch, row, books.get(recordId)));
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

/**
 * Locks in the order of the keys, like `writeBooks`, so that the two cannot deadlock. No index serves IS NOT DISTINCT FROM:
 * with old statistics the planner would read all books of the owner for `=`.
 */
async function lockBooks(
  tx: Tx,
  batch: TargetBatch,
  rows: readonly WrittenRow[],
): Promise<Map<number, LastWrite>> {
  const ids = sql.param(rows.map(({ recordId }) => recordId));
  const { rows: books } = await tx.db.execute<LastWrite>(sql`
    SELECT id, batch_id AS "batchId", row_number AS "rowNumber" FROM rowmill.books
    WHERE id = ANY(${ids}::bigint[]) AND user_id IS NOT DISTINCT FROM ${batch.userId} ORDER BY key, id FOR UPDATE`);
  return new Map(books.map((book) => [Number(book.id), book]));
}

/** Null: the row was the last to write the book. */
function reasonToKeep(batch: TargetBatch, row: number, book: LastWrite | undefined): string | null {
  if (!book) return "The book was deleted later.";
  if (book.batchId === null) return "The book was edited later.";
  if (book.batchId !== batch.id) return `The book was changed later by another batch (${book.batchId}).`;
  if (book.rowNumber !== row)
    return `The book was changed later by row ${book.rowNumber} of this file, which was not undone.`;
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

import { sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import type { TargetBatch, UndoOutcome, WrittenRow } from "../target.ts";
import { ofUnknownLength } from "./book-rows.ts";
import { type BookState, updateBooks } from "./update-books.ts";

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
    batch,
    reversible.filter(({ effect }) => effect === "created"),
  );
  await updateBooks(
    tx,
    batch,
    reversible
      .filter(({ effect }) => effect === "updated")
      .map(({ recordId, before }) => ({ id: recordId, ...(before as BookState) })),
  );
  return reasons.map((reason) => (reason === null ? { kind: "reversed" } : { kind: "kept", reason }));
}

/**
 * Locks in the order of the keys, like `writeBooks`, so that the two cannot deadlock. With LIMIT, each book is one look-up,
 * whatever the planner expects of the owner.
 */
async function lockBooks(
  tx: Tx,
  batch: TargetBatch,
  rows: readonly WrittenRow[],
): Promise<Map<number, LastWrite>> {
  const ids = sql.param(rows.map(({ recordId }) => recordId));
  const { rows: books } = await tx.db.execute<LastWrite>(sql`
    SELECT book.* FROM (
      SELECT found.id FROM unnest(${ids}::bigint[]) AS written (id) CROSS JOIN LATERAL (
        SELECT id, key FROM rowmill.books WHERE user_id = ${batch.userId} AND id = written.id LIMIT 1
      ) AS found ORDER BY key, id
    ) AS sorted CROSS JOIN LATERAL (
      SELECT id, batch_id AS "batchId", row_number AS "rowNumber" FROM rowmill.books
      WHERE user_id = ${batch.userId} AND id = sorted.id LIMIT 1 FOR UPDATE
    ) AS book`);
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

/** Requires the locks on the books. */
async function removeBooks(tx: Tx, batch: TargetBatch, rows: readonly WrittenRow[]): Promise<void> {
  if (rows.length === 0) return;
  const ids = sql.param(rows.map(({ recordId }) => recordId));
  await tx.db.execute(sql`
    DELETE FROM rowmill.books USING unnest(${ofUnknownLength(ids, "bigint")}) AS written (id)
    WHERE user_id = ${batch.userId} AND books.id = written.id`);
}

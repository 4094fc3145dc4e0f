import { sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import type { TargetBatch } from "../target.ts";
import { ofUnknownLength } from "./book-rows.ts";

/** The columns of a book that rows write, and that undo restores. */
export interface BookState {
  readonly title: string;
  readonly author: string;
  readonly description: string;
  /** The batch and the row that wrote the book last. */
  readonly batch_id: string | null;
  readonly row_number: number | null;
}

/** Requires the locks on the books. */
export async function updateBooks(
  tx: Tx,
  { userId }: TargetBatch,
  books: readonly (BookState & { readonly id: string | number })[],
): Promise<void> {
  if (books.length === 0) return;
  const column = (name: keyof BookState | "id", type: Parameters<typeof ofUnknownLength>[1]) =>
    ofUnknownLength(sql.param(books.map((book) => book[name])), type);
  await tx.db.execute(sql`
    UPDATE rowmill.books SET title = cells.title, author = cells.author, description = cells.description,
      batch_id = cells.batch_id, row_number = cells.row_number
    FROM unnest(${column("id", "bigint")}, ${column("title", "text")}, ${column("author", "text")},
      ${column("description", "text")}, ${column("batch_id", "uuid")}, ${column("row_number", "int")})
      AS cells (id, title, author, description, batch_id, row_number)
    WHERE books.user_id = ${userId} AND books.id = cells.id`);
}

/** Finds the books that hold the keys of rows which could not be inserted. */
import { type SQL, sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import { failed } from "../outcomes.ts";
import type { Outcome, TargetBatch } from "../target.ts";

/** The book that holds the key of a row. */
export interface Holder extends Record<string, unknown> {
  readonly row: number;
  readonly id: string;
  readonly batchId: string | null;
  readonly rowNumber: number | null;
}

/**
 * LIMIT makes this one look-up per row, even if the statistics of the table are old.
 * @param isForUpdate whether to lock the books, in the order of their keys
 * @returns row number to holder
 */
export async function findHolders(
  tx: Tx,
  batch: TargetBatch,
  cells: SQL,
  isForUpdate = false,
): Promise<Map<number, Holder>> {
  const { rows } = await tx.db.execute<Holder>(sql`
    SELECT cells.row_number AS row, holder.id, holder.batch_id AS "batchId", holder.row_number AS "rowNumber"
    FROM ${cells} CROSS JOIN LATERAL (
      SELECT id, batch_id, row_number FROM rowmill.books WHERE user_id = ${batch.userId} AND key = cells.key
      LIMIT 1 ${isForUpdate ? sql`FOR UPDATE` : sql``}
    ) AS holder`);
  return new Map(rows.map((holder) => [holder.row, holder]));
}

export function duplicateMessage(
  batch: TargetBatch,
  { id, batchId, rowNumber }: Omit<Holder, "row">,
): string {
  return batchId === batch.id
    ? `Row ${rowNumber} of this file has the same title and author; it became book ${id}.`
    : `You already have a book with this title and author: book ${id}.`;
}

export function duplicate(batch: TargetBatch, holder: Holder): Outcome {
  return failed("duplicate", duplicateMessage(batch, holder));
}

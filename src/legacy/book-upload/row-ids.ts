import { sql } from "drizzle-orm";
import { MAX_ROW_NUMBER } from "../../batches/ids.ts";
import type { Context } from "../../context.ts";

const ROW_DIGITS = 8;

/** Reverses `rowIdOf`. Returns null if the id cannot belong to a row; row 0 is the batch itself. */
export function parseRowId(rowId: string): { batchId: string; row: number } | null {
  const row = Number.parseInt(rowId.slice(-ROW_DIGITS), 16);
  if (row === 0 || row > MAX_ROW_NUMBER) return null;
  return { batchId: rowId.slice(0, -ROW_DIGITS).toLowerCase() + "0".repeat(ROW_DIGITS), row };
}

/** Returns the numbers of the first rows of a batch, in order. */
export async function firstRowNumbers(ctx: Context, batchId: string, limit: number): Promise<number[]> {
  const { rows } = await ctx.db.execute<{ row: number }>(
    sql`SELECT row_number AS row FROM rowmill.batch_rows WHERE batch_id = ${batchId} ORDER BY row_number LIMIT ${limit}`,
  );
  return rows.map(({ row }) => row);
}

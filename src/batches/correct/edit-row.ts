import { and, eq } from "drizzle-orm";
import { type Context, inTransaction, requireActor } from "../../context.ts";
import { DomainError, invalidField, notFound } from "../../errors.ts";
import { batchRows, rowHistory, rowResults } from "../../schema/batches.ts";
import { listNames } from "../../targets/names.ts";
import { getBatch, type StoredBatch } from "../queries.ts";
import { getRowDetail, type StoredRowDetail } from "../row-history.ts";
import { forgetSizes } from "../settle/chunk-counts.ts";
import { lockCorrectable } from "./apply-correction.ts";

export interface EditedRow {
  readonly batch: StoredBatch;
  readonly row: StoredRowDetail;
}

/**
 * Changes cells of a failed or unprocessed row and keeps the old cells in its history. The row is not retried.
 * @param cells new cells by column of the file
 * @throws DomainError `not_found`, `conflict` if the row has succeeded or the batch has not ended, or `invalid_input`
 */
export async function editRow(
  ctx: Context,
  userId: number,
  batchId: string,
  row: number,
  cells: Readonly<Record<string, string>>,
): Promise<EditedRow> {
  await inTransaction(ctx, async (tx) => {
    const batch = await lockCorrectable(tx, userId, batchId);
    const isRow = and(eq(batchRows.batchId, batchId), eq(batchRows.rowNumber, row));
    const [stored] = await tx.db.select({ fields: batchRows.fields }).from(batchRows).where(isRow);
    if (!stored) throw notFound("row");
    const [result] = await tx.db
      .select({ status: rowResults.status })
      .from(rowResults)
      .where(and(eq(rowResults.batchId, batchId), eq(rowResults.rowNumber, row)));
    if (result?.status === "success") {
      const message = `Row ${row} has succeeded. Only failed and unprocessed rows can be edited.`;
      throw new DomainError("conflict", message);
    }
    checkCells(cells, batch.header, tx.config.cellMaxBytes);
    // An edit removes cells beyond the header and fills up a row that is too short.
    const fields = batch.header.map(
      (name, at) => (Object.hasOwn(cells, name) ? cells[name] : stored.fields[at]) ?? "",
    );
    await tx.db.insert(rowHistory).values({
      batchId,
      rowNumber: row,
      event: "edited",
      userId: requireActor(tx).id,
      fields: stored.fields,
    });
    await tx.db.update(batchRows).set({ fields, problem: null }).where(isRow);
    await forgetSizes(tx, batchId, [row]);
  });
  // After the transaction, because it may have to wait for memory.
  const batch = await getBatch(ctx, userId, batchId);
  return { batch, row: await getRowDetail(ctx, batch, row) };
}

function checkCells(
  cells: Readonly<Record<string, string>>,
  header: readonly string[],
  cellMaxBytes: number,
): void {
  for (const [name, cell] of Object.entries(cells)) {
    if (!header.includes(name))
      throw invalidField(`fields.${name}`, `Unknown column. Columns of the file: ${listNames(header)}.`);
    if (Buffer.byteLength(cell) > cellMaxBytes)
      throw invalidField(`fields.${name}`, `The cell exceeds ${cellMaxBytes} bytes (CELL_MAX_BYTES).`);
  }
}

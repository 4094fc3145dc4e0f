import { and, eq } from "drizzle-orm";
import { type Context, inTransaction, requireActor } from "../../context.ts";
import { DomainError, invalidField, notFound } from "../../errors.ts";
import { batchRows, rowHistory, rowResults } from "../../schema/batches.ts";
import { getBatch, type StoredBatch } from "../queries.ts";
import { getRowDetail, type StoredRowDetail } from "../row-queries.ts";
import { requireEdge } from "../state.ts";
import { lockBatch } from "../transitions.ts";

export interface EditedRow {
  readonly batch: StoredBatch;
  readonly row: StoredRowDetail;
}

/**
 * Changes cells of a row that failed or was left; what they were stays in its history. The row runs when it is retried.
 * @param cells by the names of the file's header
 * @throws DomainError `conflict` where the row has succeeded or its batch has not ended
 */
export function editRow(
  ctx: Context,
  userId: number,
  batchId: string,
  row: number,
  cells: Readonly<Record<string, string>>,
): Promise<EditedRow> {
  return inTransaction(ctx, async (tx) => {
    const batch = await lockBatch(tx, userId, batchId);
    requireEdge("retry", batch.state, "corrected");
    const isRow = and(eq(batchRows.batchId, batchId), eq(batchRows.rowNumber, row));
    const [stored] = await tx.db.select({ fields: batchRows.fields }).from(batchRows).where(isRow);
    if (!stored) throw notFound("row");
    const [result] = await tx.db
      .select({ status: rowResults.status })
      .from(rowResults)
      .where(and(eq(rowResults.batchId, batchId), eq(rowResults.rowNumber, row)));
    if (result?.status === "success") {
      throw new DomainError(
        "conflict",
        `Row ${row} has succeeded; only rows that failed or were left can be edited.`,
      );
    }
    const unknown = Object.keys(cells).find((name) => !batch.header.includes(name));
    if (unknown !== undefined) {
      throw invalidField(
        `fields.${unknown}`,
        `is no column of the file, which has ${batch.header.join(", ")}.`,
      );
    }
    const { cellMaxBytes } = tx.config;
    const tooLarge = Object.keys(cells).find((name) => Buffer.byteLength(cells[name] ?? "") > cellMaxBytes);
    if (tooLarge !== undefined) {
      throw invalidField(`fields.${tooLarge}`, `has more than ${cellMaxBytes} bytes (CELL_MAX_BYTES).`);
    }
    // Fields beyond the header are what an edit mends, and a row too short has the others empty.
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
    const edited = await getBatch(tx, userId, batchId);
    return { batch: edited, row: await getRowDetail(tx, edited, row) };
  });
}

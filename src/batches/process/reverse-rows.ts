/** Undoes a batch in a worker: from its last chunk to its first, in one transaction per chunk. */
import { and, desc, eq, sql } from "drizzle-orm";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import type { Delivery } from "../../platform/queue/queue.ts";
import { batches, chunks } from "../../schema/batches.ts";
import type { UndoOutcome, WrittenRow } from "../../targets/target.ts";
import { batchChanged } from "../batch-changes.ts";
import { transitions } from "../state.ts";
import { endBatch } from "../transitions.ts";
import { chunkInputOf } from "./chunk-input.ts";
import type { RowsInput } from "./process-rows.ts";
import { writeRows } from "./write-rows.ts";

/**
 * A repeated delivery continues with the remaining chunks.
 * @returns the counts of records; undefined if there was nothing to do
 */
export async function reverseRows(
  ctx: Context,
  batchId: string,
  delivery: Delivery,
): Promise<object | undefined> {
  const isUndoing = and(eq(batches.id, batchId), eq(batches.state, transitions.undo.to));
  const [batch] = await ctx.db.select().from(batches).where(isUndoing);
  if (!batch) return undefined;
  const input = chunkInputOf(batch);
  while (await inTransaction(ctx, (tx) => reverseLastChunk(tx, input))) delivery.signal.throwIfAborted();
  return inTransaction(ctx, async (tx) => {
    const { rows } = await tx.db.execute<{ reversed: number; kept: number; failed: number }>(sql`
      SELECT sum(reversed)::int AS reversed, sum(kept)::int AS kept, sum(undo_failed)::int AS failed
      FROM rowmill.chunks WHERE batch_id = ${batchId}`);
    const [counts] = rows;
    if (!counts) return undefined;
    const { reversed, kept, failed } = counts;
    const reason = `Records: ${reversed} reverted, ${kept} kept because they were changed later, ${failed} failed.`;
    await endBatch(tx, batchId, "finishUndo", reason);
    ctx.log.info({ batchId, ...counts }, "batch undone");
    return counts;
  });
}

/** @returns false if every chunk is undone */
async function reverseLastChunk(tx: Tx, input: RowsInput): Promise<boolean> {
  const batchId = input.batch.id;
  const isRemaining = and(eq(chunks.batchId, batchId), eq(chunks.isUndone, false));
  // Also waits for a worker that is still processing the chunk after the batch was cancelled.
  const [chunk] = await tx.db
    .select()
    .from(chunks)
    .where(isRemaining)
    .orderBy(desc(chunks.firstRow))
    .limit(1)
    .for("update");
  if (!chunk) return false;
  const { rows } = await tx.db.execute<{
    row: number;
    recordId: string;
    effect: WrittenRow["effect"];
    before: object | null;
  }>(sql`
    SELECT row_number AS row, record_id AS "recordId", effect, before FROM rowmill.row_results
    WHERE batch_id = ${batchId} AND row_number BETWEEN ${chunk.firstRow} AND ${chunk.lastRow}
      AND status = 'success' AND effect IN ('created', 'updated') AND undo IS DISTINCT FROM 'reversed'
    ORDER BY row_number DESC`);
  const counts = { reversed: 0, kept: 0, failed: 0 };
  for (const layer of layersOf(rows.map((row) => ({ ...row, recordId: Number(row.recordId) })))) {
    const outcomes = await reverse(tx, input, layer);
    for (const { kind } of outcomes) counts[kind]++;
    await markRows(tx, batchId, layer, outcomes);
  }
  await tx.db
    .update(chunks)
    .set({
      isUndone: true,
      reversed: chunk.reversed + counts.reversed,
      kept: counts.kept,
      undoFailed: counts.failed,
    })
    .where(and(isRemaining, eq(chunks.firstRow, chunk.firstRow)));
  await batchChanged(tx, batchId);
  return true;
}

/**
 * Splits rows into layers that name each record at most once. If several rows wrote the same record, later rows are in
 * earlier layers, so that they are undone first.
 * @param rows from the last to the first
 */
function layersOf(rows: readonly WrittenRow[]): WrittenRow[][] {
  const layers: WrittenRow[][] = [];
  const depths = new Map<number, number>();
  for (const row of rows) {
    const depth = depths.get(row.recordId) ?? 0;
    depths.set(row.recordId, depth + 1);
    const layer = layers[depth] ?? [];
    layer.push(row);
    layers[depth] = layer;
  }
  return layers;
}

function reverse(tx: Tx, { target, batch }: RowsInput, rows: readonly WrittenRow[]): Promise<UndoOutcome[]> {
  const undo = target.undo?.bind(target);
  if (!undo) throw new Error(`The target ${target.name} does not support undo.`);
  return writeRows(
    tx,
    rows,
    (slice) => undo(tx, batch, slice),
    (outcome): UndoOutcome => {
      if (outcome.kind === "retry") throw new Error(`The undo must be retried: ${outcome.reason.message}`);
      const reason = outcome.kind === "failed" ? outcome.errors.map(({ message }) => message).join("; ") : "";
      return { kind: "failed", reason };
    },
  );
}

async function markRows(
  tx: Tx,
  batchId: string,
  rows: readonly WrittenRow[],
  outcomes: readonly UndoOutcome[],
): Promise<void> {
  const numbers = sql.param(rows.map(({ row }) => row));
  const kinds = sql.param(outcomes.map(({ kind }) => kind));
  const reasons = sql.param(outcomes.map((outcome) => (outcome.kind === "reversed" ? null : outcome.reason)));
  await tx.db.execute(sql`
    UPDATE rowmill.row_results SET undo = kind::rowmill.undo_outcome, undo_reason = reason
    FROM unnest(${numbers}::int[], ${kinds}::text[], ${reasons}::text[]) AS undone (row, kind, reason)
    WHERE batch_id = ${batchId} AND row_number = row`);
}

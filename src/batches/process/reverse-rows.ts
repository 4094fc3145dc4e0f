/** The worker's part of undoing a batch: from its last chunk to its first, a transaction each. */

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

/** Undefined: there was nothing left to do. A delivery that is repeated goes on with the chunks that are left. */
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
    const reason = `${reversed} records put back, ${kept} kept because they were changed since, ${failed} failed.`;
    await endBatch(tx, batchId, "finishUndo", reason);
    ctx.log.info({ batchId, ...counts }, "batch undone");
    return counts;
  });
}

/** @returns whether there was one left */
async function reverseLastChunk(tx: Tx, input: RowsInput): Promise<boolean> {
  const batchId = input.batch.id;
  const isLeft = and(eq(chunks.batchId, batchId), eq(chunks.isUndone, false));
  // Also waits for a worker that still had the chunk in hand when its batch was cancelled.
  const [chunk] = await tx.db
    .select()
    .from(chunks)
    .where(isLeft)
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
      AND status = 'success' AND effect IN ('created', 'updated') AND undo IS NULL
    ORDER BY row_number DESC`);
  const counts = { reversed: 0, kept: 0, failed: 0 };
  for (const layer of layersOf(rows.map((row) => ({ ...row, recordId: Number(row.recordId) })))) {
    const outcomes = await reverse(tx, input, layer);
    for (const { kind } of outcomes) counts[kind]++;
    await markRows(tx, batchId, layer, outcomes);
  }
  await tx.db
    .update(chunks)
    .set({ isUndone: true, reversed: counts.reversed, kept: counts.kept, undoFailed: counts.failed })
    .where(and(isLeft, eq(chunks.firstRow, chunk.firstRow)));
  await batchChanged(tx, batchId);
  return true;
}

/** Where rows wrote the same record, the later is put back before the earlier: no layer names a record twice. */
function layersOf(rows: readonly WrittenRow[]): WrittenRow[][] {
  const layers: WrittenRow[][] = [];
  const depth = new Map<number, number>();
  for (const row of rows) {
    const at = depth.get(row.recordId) ?? 0;
    depth.set(row.recordId, at + 1);
    const layer = layers[at] ?? [];
    layer.push(row);
    layers[at] = layer;
  }
  return layers;
}

function reverse(tx: Tx, { target, batch }: RowsInput, rows: readonly WrittenRow[]): Promise<UndoOutcome[]> {
  const undo = target.undo?.bind(target);
  if (!undo) throw new Error(`The target ${target.name} can't be undone.`);
  return writeRows(
    tx,
    rows,
    (slice) => undo(tx, batch, slice),
    (outcome): UndoOutcome => {
      if (outcome.kind === "retry") throw new Error(`To be tried again: ${outcome.reason.message}`);
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

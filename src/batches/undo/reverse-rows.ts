/** Undoes a batch in a worker: from its last chunk to its first, in one transaction per chunk. */
import { and, desc, eq, sql } from "drizzle-orm";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { MustPause } from "../../errors.ts";
import type { Payload } from "../../jobs.ts";
import { underSavepoint } from "../../platform/postgres/database.ts";
import type { Delivery } from "../../platform/queue/delivery.ts";
import type { Later } from "../../platform/queue/later.ts";
import { batches, chunks } from "../../schema/batches.ts";
import type { UndoOutcome, WrittenRow } from "../../targets/target.ts";
import { batchChanged } from "../batch-changes.ts";
import { matchRows } from "../match-rows.ts";
import { chunkInputOf, isGroupInput, type RowsInput } from "../process/read/chunk-input.ts";
import { SLICE_BYTES } from "../process/read/read-open-rows.ts";
import { repeatOnLockTrouble, reserveRecords, shareRecords } from "../process/write/lock-trouble.ts";
import { writeRows } from "../process/write/write-rows.ts";
import { transitions } from "../state.ts";
import { endBatch } from "../transitions.ts";
import { markUndone } from "./mark-undone.ts";
import { reverseRemotely } from "./reverse-remotely.ts";

/**
 * A repeated delivery continues with the remaining chunks.
 * @returns the counts of records; a `Later` if the rest is undone later; undefined if there was nothing to do
 */
export async function reverseRows(
  ctx: Context,
  batchId: string,
  delivery: Delivery,
  progress: Payload<"undoBatch">["progress"] = {},
): Promise<object | Later | undefined> {
  const isUndoing = and(eq(batches.id, batchId), eq(batches.state, transitions.undo.to));
  const [batch] = await ctx.db.select().from(batches).where(isUndoing);
  if (!batch) return undefined;
  const input = await chunkInputOf(ctx, batch);
  if (isGroupInput(input)) {
    const rest = await reverseRemotely(ctx, input, batch.run, delivery, progress);
    if (rest) return rest;
  } else while (await reverseLastChunk(ctx, input, delivery.signal)) delivery.signal.throwIfAborted();
  return inTransaction(ctx, async (tx) => {
    // Another delivery may have ended the undo, and the owner may have undone the batch again since.
    const isSame = and(isUndoing, eq(batches.run, batch.run));
    const locked = await tx.db.select({ id: batches.id }).from(batches).where(isSame).for("update");
    if (locked.length === 0) return undefined;
    const { rows } = await tx.db.execute<{ reversed: number; kept: number; failed: number }>(sql`
      SELECT coalesce(sum(reversed), 0)::int AS reversed, coalesce(sum(kept), 0)::int AS kept,
        coalesce(sum(undo_failed), 0)::int AS failed
      FROM rowmill.chunks WHERE batch_id = ${batchId}`);
    const [counts] = rows;
    if (!counts) return undefined;
    const { reversed, kept, failed } = counts;
    const reason = `Records: ${reversed} reverted, ${kept} kept because they were changed later, ${failed} failed.`;
    await endBatch(tx, batchId, "finishUndo", reason);
    tx.afterCommit.push(() => ctx.log.info({ batchId, ...counts }, "batch undone"));
    return counts;
  });
}

/** @returns false if every chunk is undone */
function reverseLastChunk(ctx: Context, input: RowsInput, signal: AbortSignal): Promise<boolean> {
  return repeatOnLockTrouble(ctx, signal, (failures) =>
    inTransaction(ctx, async (tx) => {
      if (failures === 0) await shareRecords(tx, input);
      else await reserveRecords(ctx, tx, input, signal);
      return reverseChunk(tx, input);
    }),
  );
}

async function reverseChunk(tx: Tx, input: RowsInput): Promise<boolean> {
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
  const { rows } = await tx.db.execute<WrittenOnce & { recordId: string }>(sql`
    SELECT row_number AS row, coalesce(record_id, 0) AS "recordId", record_key AS "recordKey",
      record_version::text AS "recordVersion", effect, coalesce(octet_length(before::text), 0) AS bytes
    FROM rowmill.row_results
    WHERE batch_id = ${batchId} AND row_number BETWEEN ${chunk.firstRow} AND ${chunk.lastRow}
      AND status = 'success' AND effect IN ('created', 'updated') AND undo IS DISTINCT FROM 'reversed'
    ORDER BY row_number DESC`);
  const counts = { reversed: 0, kept: 0, failed: 0 };
  for (const layer of layersOf(rows.map((row) => ({ ...row, recordId: Number(row.recordId) })))) {
    for (const part of slicesOf(layer)) {
      const written = await readBefore(tx, batchId, part);
      const outcomes = await reverse(tx, input, written);
      for (const { kind } of outcomes) counts[kind]++;
      await markUndone(
        tx,
        batchId,
        written.map(({ row }, index) => ({ row, outcome: outcomes[index] })),
      );
    }
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

/** A successful row, with the size of its record before the row updated it. */
interface WrittenOnce extends Omit<WrittenRow, "before"> {
  readonly bytes: number;
  readonly [column: string]: unknown;
}

/** Groups rows, in their order, into slices whose records fit into the memory of a worker. */
function slicesOf(rows: readonly WrittenOnce[]): WrittenOnce[][] {
  const slices: WrittenOnce[][] = [];
  let bytes = 0;
  for (const row of rows) {
    const last = slices.at(-1);
    if (last && bytes + row.bytes <= SLICE_BYTES) last.push(row);
    else {
      slices.push([row]);
      bytes = 0;
    }
    bytes += row.bytes;
  }
  return slices;
}

async function readBefore(tx: Tx, batchId: string, rows: readonly WrittenOnce[]): Promise<WrittenRow[]> {
  const before = new Map<number, object | null>();
  const updated = rows.filter(({ effect }) => effect === "updated");
  if (updated.length > 0) {
    const { rows: found } = await tx.db.execute<{ row: number; before: object | null }>(
      sql`SELECT row_number AS row, before FROM rowmill.row_results WHERE ${matchRows(batchId, updated).isMatch}`,
    );
    for (const one of found) before.set(one.row, one.before);
  }
  return rows.map(({ row, recordId, recordKey, recordVersion, effect }) => {
    const record = { recordId, recordKey, recordVersion };
    return { row, ...record, effect, before: before.get(row) ?? null };
  });
}

/**
 * Splits rows into layers that name each record at most once. If several rows wrote the same record, later rows are in
 * earlier layers, so that they are undone first.
 * @param rows from the last to the first
 */
function layersOf(rows: readonly WrittenOnce[]): WrittenOnce[][] {
  const layers: WrittenOnce[][] = [];
  const depths = new Map<string | number, number>();
  for (const row of rows) {
    const record = row.recordKey ?? row.recordId;
    const depth = depths.get(record) ?? 0;
    depths.set(record, depth + 1);
    const layer = layers[depth] ?? [];
    layer.push(row);
    layers[depth] = layer;
  }
  return layers;
}

function reverse(tx: Tx, { target, batch }: RowsInput, rows: readonly WrittenRow[]): Promise<UndoOutcome[]> {
  const undo = target.undo?.bind(target);
  // It did when the batch began. An exception would be repeated for ever, and an undo has no way back.
  if (!undo) {
    const reason =
      "The table of the target has no primary key any more, so its records cannot be found again.";
    return Promise.resolve(rows.map(() => ({ kind: "failed", reason })));
  }
  return writeRows(
    tx,
    rows,
    (slice) => failWithoutPause(slice, () => underSavepoint(tx, () => undo(tx, batch, slice))),
    (outcome): UndoOutcome => {
      if (outcome.kind === "retry") throw new Error(`The undo must be retried: ${outcome.reason.message}`);
      const reason = outcome.kind === "failed" ? outcome.errors.map(({ message }) => message).join("; ") : "";
      return { kind: "failed", reason };
    },
  );
}

/** An undo has no pause. The owner can undo the batch again, for the records that were kept. */
async function failWithoutPause(
  rows: readonly WrittenRow[],
  undo: () => Promise<UndoOutcome[]>,
): Promise<UndoOutcome[]> {
  try {
    return await undo();
  } catch (error) {
    if (!(error instanceof MustPause)) throw error;
    return rows.map(() => ({ kind: "failed", reason: error.message }));
  }
}

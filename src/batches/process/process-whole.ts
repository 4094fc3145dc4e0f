/**
 * All of a batch in one transaction, chunk after chunk: an atomic batch, which commits it only if no row failed, and
 * a dry run, which never does. Failures and counts are told outside of it as they come, so that others can follow and
 * the failures outlive the rollback.
 */

import { asc, eq, sql } from "drizzle-orm";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { underSavepoint } from "../../platform/postgres/database.ts";
import type { Watch } from "../../platform/process/watch.ts";
import type { Delivery } from "../../platform/queue/queue.ts";
import { batches, chunks } from "../../schema/batches.ts";
import { batchChanged } from "../batch-changes.ts";
import { transitions } from "../state.ts";
import { endBatch, startBatch } from "../transitions.ts";
import { forgetSuccesses, resetChunks } from "./chunk-counts.ts";
import { chunkInputOf } from "./chunk-input.ts";
import { delayRows } from "./process-chunk.ts";
import { processRows } from "./process-rows.ts";
import { readOpenRows } from "./read-open-rows.ts";
import {
  type EffectCounts,
  type FailedRow,
  sortOutcomes,
  storeFailures,
  storeSuccesses,
} from "./store-results.ts";
import { BatchStopped, watchBatch } from "./watch-batch.ts";

type Batch = typeof batches.$inferSelect;
type Chunk = typeof chunks.$inferSelect;

/** Thrown to undo what was written, where that was to be seen but not kept. */
class NotKept extends Error {}

/**
 * Undefined: there was nothing left to do, or the batch was stopped.
 * @param tx in the transaction that the job's completion commits
 */
export async function processWhole(
  ctx: Context,
  tx: Tx,
  batchId: string,
  delivery: Delivery,
): Promise<{ failed: number } | undefined> {
  const batch = await beginWhole(ctx, batchId);
  if (!batch) return undefined;
  const startedAt = performance.now();
  const log = ctx.log.child({ batchId, delivery: delivery.attempt });
  log.info("batch received");
  using watch = watchBatch(ctx, batchId);
  try {
    if (!batch.isDryRun) await delayRows(batch.rowDelayMs, delivery.signal, watch);
    const failed = await underSavepoint(tx.db, async () => {
      const failed = await tryChunks(ctx, tx, batch, delivery, watch);
      await finishWhole(tx, batch, failed);
      return failed;
    });
    log.info({ failed, ms: Math.round(performance.now() - startedAt) }, "batch succeeded");
    return { failed };
  } catch (error) {
    if (!(error instanceof BatchStopped)) throw error;
    log.info("batch stopped");
    return undefined;
  }
}

/** From the start, whatever a delivery before this one has told. Null: nothing to do. */
function beginWhole(ctx: Context, batchId: string): Promise<Batch | null> {
  return inTransaction(ctx, async (tx) => {
    await tx.db.execute(startBatch(batchId));
    const [batch] = await tx.db.select().from(batches).where(eq(batches.id, batchId)).for("update");
    if (batch?.state !== transitions.start.to) return null;
    await resetChunks(tx, batchId);
    await batchChanged(tx, batchId);
    return batch;
  });
}

/** @returns how many rows failed; then nothing of the others is left, and neither after a dry run */
async function tryChunks(
  ctx: Context,
  tx: Tx,
  batch: Batch,
  delivery: Delivery,
  watch: Watch,
): Promise<number> {
  const plan = await ctx.db
    .select()
    .from(chunks)
    .where(eq(chunks.batchId, batch.id))
    .orderBy(asc(chunks.firstRow));
  const input = chunkInputOf(batch);
  const attempt = { attempt: delivery.attempt, signal: AbortSignal.any([delivery.signal, watch.signal]) };
  let failed = 0;
  try {
    await underSavepoint(tx.db, async () => {
      for (const chunk of plan) {
        const rows = await readOpenRows(tx, chunk, chunk.lastRow);
        const outcomes = await processRows(ctx, tx, input, rows, attempt);
        attempt.signal.throwIfAborted();
        const mayRetry = delivery.attempt <= ctx.config.rowMaxRetries;
        const { succeeded, failures, retried } = sortOutcomes(outcomes, delivery.attempt, mayRetry);
        // Then all of it is tried again, as often as a row may be.
        const [again] = retried;
        if (again) throw new Error(`Row ${again.row} is to be tried again (${again.reason.code}).`);
        const effects = await storeSuccesses(tx, chunk, succeeded);
        await tellChunk(ctx, batch, chunk, effects, failures);
        failed += failures.length;
      }
      if (failed > 0 || batch.isDryRun) throw new NotKept();
    });
  } catch (error) {
    if (!(error instanceof NotKept)) throw error;
  }
  return failed;
}

/** Outside the transaction, for as long as the batch runs. */
function tellChunk(
  ctx: Context,
  batch: Batch,
  chunk: Chunk,
  { created, updated, unchanged }: EffectCounts,
  failures: readonly FailedRow[],
): Promise<void> {
  const { batchId, firstRow, rowCount } = chunk;
  return inTransaction(ctx, async (tx) => {
    await requireRun(tx, batch, "share");
    await storeFailures(tx, chunk, failures);
    await tx.db.execute(sql`
      UPDATE rowmill.chunks SET state = 'done', succeeded = ${rowCount - failures.length}, failed = ${failures.length},
        created = ${created}, updated = ${updated}, unchanged = ${unchanged}, updated_at = statement_timestamp()
      WHERE batch_id = ${batchId} AND first_row = ${firstRow}`);
    await batchChanged(tx, batchId);
  });
}

/**
 * Locks the batch against what would stop it.
 * @throws BatchStopped where that has happened, also where it was taken up again since and another works on it
 */
async function requireRun(tx: Tx, { id, run }: Batch, strength: "share" | "update"): Promise<void> {
  const [now] = await tx.db
    .select({ state: batches.state, run: batches.run })
    .from(batches)
    .where(eq(batches.id, id))
    .for(strength);
  if (now?.state !== transitions.start.to || now.run !== run) throw new BatchStopped();
}

/** @throws BatchStopped where the batch was paused or cancelled meanwhile */
async function finishWhole(tx: Tx, batch: Batch, failed: number): Promise<void> {
  await requireRun(tx, batch, "update");
  const rows = `${failed} of ${batch.totalRows} rows`;
  if (batch.isDryRun) {
    const reason = failed === 0 ? null : `${rows} would fail.`;
    if (!(await endBatch(tx, batch.id, "validate", reason))) throw new BatchStopped();
    return;
  }
  const isKept = failed === 0;
  const reason = isKept ? null : `${rows} failed, so no record was written: the policy is atomic.`;
  if (!(await endBatch(tx, batch.id, isKept ? "complete" : "fail", reason))) throw new BatchStopped();
  if (isKept) await tx.db.update(batches).set({ chunksLeft: 0 }).where(eq(batches.id, batch.id));
  else await forgetSuccesses(tx, batch.id);
}

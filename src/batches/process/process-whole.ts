/**
 * Processes a whole batch in one transaction, chunk by chunk. An atomic batch commits its records only if no row failed;
 * a dry run never commits them. Failures and counts are stored in transactions of their own, so that clients can follow
 * the progress and the failures survive the rollback.
 */
import { asc, eq, sql } from "drizzle-orm";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { MustPause } from "../../errors.ts";
import type { Payload } from "../../jobs.ts";
import { underSavepoint } from "../../platform/postgres/database.ts";
import type { Delivery } from "../../platform/queue/delivery.ts";
import { Later } from "../../platform/queue/later.ts";
import { batches, chunks } from "../../schema/batches.ts";
import { batchChanged } from "../batch-changes.ts";
import { newChunkCauses, storeCauses } from "../chunk-causes.ts";
import { forgetSuccesses, resetChunks } from "../settle/chunk-counts.ts";
import { pauseByRowmill } from "../settle/pause-by-rowmill.ts";
import {
  addEffects,
  type EffectCounts,
  type FailedRow,
  NO_EFFECTS,
  sortOutcomes,
  storeFailures,
  storeSuccesses,
} from "../settle/store-results.ts";
import { BatchStopped, watchBatch } from "../settle/watch-batch.ts";
import { transitions } from "../state.ts";
import { endBatch, startBatch } from "../transitions.ts";
import { processRows } from "./process-rows.ts";
import { type ChunkInput, chunkInputOf } from "./read/chunk-input.ts";
import { openSlices } from "./read/read-open-rows.ts";
import { repeatOnLockTrouble, reserveRecords } from "./write/lock-trouble.ts";

type Batch = typeof batches.$inferSelect;
type Chunk = typeof chunks.$inferSelect;

/** Thrown to roll back the records of a dry run or of an atomic batch with failed rows. */
class DiscardRecords extends Error {}

/** If another transaction is in the way of a slice for longer, the batch releases its locks and starts again. */
const MAX_SLICE_WAIT_MS = 60_000;

/**
 * @param ctx outside the transaction, for changes that others must see at once
 * @param tx the transaction that also completes the job
 * @returns a `Later` if the batch is processed later; undefined if there was nothing to do or the batch was stopped
 */
export async function processWhole(
  ctx: Context,
  tx: Tx,
  { batchId, isDelayed = false }: Payload<"processWhole">,
  delivery: Delivery,
): Promise<{ failed: number } | Later | undefined> {
  const wait = isDelayed ? undefined : await delayBatch(ctx, batchId);
  if (wait) return wait;
  const log = ctx.log.child({ batchId, delivery: delivery.attempt });
  using watch = watchBatch(ctx, batchId);
  const signal = AbortSignal.any([delivery.signal, watch.signal]);
  try {
    return await repeatOnLockTrouble(ctx, signal, () =>
      underSavepoint(tx, () => runBatch({ ...ctx, log }, tx, batchId, { ...delivery, signal })),
    );
  } catch (error) {
    if (error instanceof MustPause) await pauseByRowmill({ ...ctx, log }, batchId, error.message);
    else if (!(error instanceof BatchStopped)) throw error;
    log.info("batch stopped");
    return undefined;
  }
}

/** The simulated processing time passes in the queue, before other batches have to wait for this one. */
async function delayBatch(ctx: Context, batchId: string): Promise<Later | undefined> {
  const delayed = await findBatch(ctx, batchId);
  if (!delayed || delayed.isDryRun || delayed.rowDelayMs === 0) return undefined;
  if (!(await startRun(ctx, batchId))) return undefined;
  return new Later(delayed.rowDelayMs / 1000, { batchId, isDelayed: true });
}

async function findBatch(ctx: Context, batchId: string): Promise<Batch | undefined> {
  const [batch] = await ctx.db.select().from(batches).where(eq(batches.id, batchId));
  return batch;
}

/** Undefined: there is nothing to do. */
async function runBatch(
  ctx: Context,
  tx: Tx,
  batchId: string,
  delivery: Delivery,
): Promise<{ failed: number } | undefined> {
  const queued = await findBatch(ctx, batchId);
  if (!queued) return undefined;
  // Batches of the same records run one after the other. Until its turn, a batch stays queued.
  await reserveRecords(ctx, tx, await chunkInputOf(ctx, queued), delivery.signal);
  const batch = await startRun(ctx, batchId);
  if (!batch) return undefined;
  const startedAt = performance.now();
  ctx.log.info("batch received");
  const failed = await processChunks(ctx, tx, batch, delivery);
  await finishRun(tx, batch, failed);
  const ms = Math.round(performance.now() - startedAt);
  tx.afterCommit.push(() => ctx.log.info({ failed, ms }, "batch processed"));
  return { failed };
}

/** Starts from the first row and discards the results of earlier deliveries. Null: there is nothing to do. */
function startRun(ctx: Context, batchId: string): Promise<Batch | null> {
  return inTransaction(ctx, async (tx) => {
    await tx.db.execute(startBatch(tx, batchId));
    const [batch] = await tx.db.select().from(batches).where(eq(batches.id, batchId)).for("update");
    if (batch?.state !== transitions.start.to) return null;
    await resetChunks(tx, batchId);
    await batchChanged(tx, batchId);
    return batch;
  });
}

/** @returns the number of failed rows; unless it is 0, or after a dry run, every record is rolled back */
async function processChunks(ctx: Context, tx: Tx, batch: Batch, delivery: Delivery): Promise<number> {
  const plan = await ctx.db
    .select()
    .from(chunks)
    .where(eq(chunks.batchId, batch.id))
    .orderBy(asc(chunks.firstRow));
  const input = await chunkInputOf(ctx, batch);
  let failed = 0;
  try {
    await underSavepoint(tx, async () => {
      for (const chunk of plan) failed += await processNextChunk(ctx, tx, { batch, input, chunk, delivery });
      if (failed > 0 || batch.isDryRun) throw new DiscardRecords();
    });
  } catch (error) {
    if (!(error instanceof DiscardRecords)) throw error;
  }
  return failed;
}

interface ChunkOfBatch {
  readonly batch: Batch;
  readonly input: ChunkInput;
  readonly chunk: Chunk;
  readonly delivery: Delivery;
}

/** @returns the number of failed rows */
async function processNextChunk(ctx: Context, tx: Tx, of: ChunkOfBatch): Promise<number> {
  const { batch, input, chunk, delivery } = of;
  const mayRetry = delivery.attempt <= ctx.config.rowMaxRetries;
  let effects = NO_EFFECTS;
  const failed: FailedRow[] = [];
  for await (const { rows } of openSlices(tx, chunk, "exceed")) {
    // The locks of earlier slices are held meanwhile, so this does not wait for long.
    const outcomes = await repeatOnLockTrouble(
      ctx,
      delivery.signal,
      () => underSavepoint(tx, () => processRows(ctx, tx, input, rows, delivery)),
      MAX_SLICE_WAIT_MS,
    );
    delivery.signal.throwIfAborted();
    const { succeeded, failures, retried } = sortOutcomes(outcomes, delivery.attempt, mayRetry);
    // One row that must be retried repeats the delivery, and so the whole batch.
    const [retriedRow] = retried;
    if (retriedRow) throw new Error(`Row ${retriedRow.row} must be retried (${retriedRow.reason.code}).`);
    effects = addEffects(effects, await storeSuccesses(tx, chunk, succeeded));
    failed.push(...failures);
  }
  await storeProgress(ctx, batch, chunk, effects, failed);
  return failed.length;
}

/** Commits at once, as long as the batch may run. @throws BatchStopped */
function storeProgress(
  ctx: Context,
  batch: Batch,
  chunk: Chunk,
  { created, updated, unchanged }: EffectCounts,
  failures: readonly FailedRow[],
): Promise<void> {
  const { batchId, firstRow, rowCount } = chunk;
  return inTransaction(ctx, async (tx) => {
    await requireSameRun(tx, batch, "share");
    await storeFailures(tx, chunk, failures);
    await tx.db.execute(sql`
      UPDATE rowmill.chunks SET state = 'done', succeeded = ${rowCount - failures.length}, failed = ${failures.length},
        created = ${created}, updated = ${updated}, unchanged = ${unchanged}, updated_at = statement_timestamp()
      WHERE batch_id = ${batchId} AND first_row = ${firstRow}`);
    const failed = failures.length;
    const causes = newChunkCauses();
    causes.addEach(failures);
    await storeCauses(tx, chunk, failed, causes);
    await batchChanged(tx, batchId);
    tx.afterCommit.push(() => tx.activity.emit("rowsProcessed", { succeeded: rowCount - failed, failed }));
  });
}

/**
 * Locks the batch, so that it cannot be stopped before the commit.
 * @throws BatchStopped if it was stopped, even if another run has started since
 */
async function requireSameRun(tx: Tx, { id, run }: Batch, strength: "share" | "update"): Promise<void> {
  const [current] = await tx.db
    .select({ state: batches.state, run: batches.run })
    .from(batches)
    .where(eq(batches.id, id))
    .for(strength);
  if (current?.state !== transitions.start.to || current.run !== run) throw new BatchStopped();
}

/** @throws BatchStopped */
async function finishRun(tx: Tx, batch: Batch, failed: number): Promise<void> {
  await requireSameRun(tx, batch, "update");
  const rows = `${failed} of ${batch.totalRows} rows`;
  if (batch.isDryRun) {
    const reason = failed === 0 ? null : `${rows} would fail.`;
    if (!(await endBatch(tx, batch.id, "validate", reason))) throw new BatchStopped();
    return;
  }
  const isComplete = failed === 0;
  const reason = isComplete ? null : `${rows} failed, so no record was written: the policy is atomic.`;
  if (isComplete) await tx.db.update(batches).set({ chunksLeft: 0 }).where(eq(batches.id, batch.id));
  else await forgetSuccesses(tx, batch.id);
  if (!(await endBatch(tx, batch.id, isComplete ? "complete" : "fail", reason))) throw new BatchStopped();
}

/** Repairs the effects of crashes and lost jobs. The tables of Rowmill are the truth; jobs only wake the workers. */
import { and, eq, inArray, lt, or, sql } from "drizzle-orm";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { jobs } from "../../jobs.ts";
import { transferLife } from "../../platform/process/sign-of-life.ts";
import { batches } from "../../schema/batches.ts";
import { batchJob, type ChunkKey, chunkJob, chunkJobId, type QueuedBatch } from "../batch-jobs.ts";
import { giveUpChunk } from "../process/split-chunk.ts";
import { forgetSuccesses } from "../settle/chunk-counts.ts";
import type { LockedChunk } from "../settle/stored-outcomes.ts";
import { RUNNABLE_STATES, transitions } from "../state.ts";
import { endBatch, startBatch } from "../transitions.ts";
import { removeBatch } from "./remove-batch.ts";

/** A chunk and its job commit together. A job that is missing this long after its chunk was due is lost. */
const LOST_JOB_SECONDS = 30;
const PAGE = 1000;

export interface Reconciled {
  readonly uploadsRemoved: number;
  readonly batchesRequeued: number;
  readonly chunksRequeued: number;
  readonly chunksGivenUp: number;
}

/** Runs every minute. It may run at any time, and several times at once. */
export async function reconcile(ctx: Context): Promise<Reconciled> {
  const uploadsRemoved = await removeDeadUploads(ctx);
  const batchesRequeued = await requeueWholeBatches(ctx);
  let chunksRequeued = 0;
  let chunksGivenUp = 0;
  for await (const page of dueChunks(ctx)) {
    const ids = page.map((chunk) => chunkJobId(chunk, chunk.attempt));
    const live = await ctx.queue.live(ctx.db, jobs.processChunk, ids);
    const givenUp = await ctx.queue.givenUp(ctx.db, jobs.processChunk, ids);
    for (const [index, chunk] of page.entries()) {
      const id = ids[index] ?? "";
      if (live.has(id)) continue;
      const isGivenUp = givenUp.has(id);
      ctx.log.warn(
        { batchId: chunk.batchId, firstRow: chunk.firstRow, isGivenUp },
        "chunk without a live job",
      );
      if (isGivenUp) chunksGivenUp += await giveUpWaitingChunk(ctx, chunk);
      else chunksRequeued += await requeueChunk(ctx, chunk);
    }
  }
  return { uploadsRemoved, batchesRequeued, chunksRequeued, chunksGivenUp };
}

/** Removes uploads and completes deletions whose process has died. */
async function removeDeadUploads(ctx: Context): Promise<number> {
  const isDead = and(
    inArray(batches.state, [...transitions.abandon.from, transitions.abandon.to]),
    lt(batches.receivedAt, transferLife.deadBefore(ctx.now())),
  );
  const dead = await ctx.db.select({ id: batches.id, state: batches.state }).from(batches).where(isDead);
  let removed = 0;
  for (const { id, state } of dead) {
    // Two removals at once would only wait for each other. An upload that continues after all is refused, and not accepted without the
    // rows that are removed already.
    const taken = await ctx.db
      .update(batches)
      .set({ state: transitions.abandon.to, receivedAt: ctx.now() })
      .where(and(eq(batches.id, id), isDead))
      .returning({ id: batches.id });
    if (taken.length === 0) continue;
    ctx.log.warn({ batchId: id, state }, "removing a batch whose process has died");
    await removeBatch(ctx, id);
    removed++;
  }
  return removed;
}

/** Requeues batches that one job processes or undoes, if that job is lost. */
async function requeueWholeBatches(ctx: Context): Promise<number> {
  const isRunning = and(
    inArray(batches.state, [...RUNNABLE_STATES]),
    or(eq(batches.isDryRun, true), eq(batches.policy, "atomic")),
    sql`NOT ${hasJobPerChunk}`,
  );
  const found = await ctx.db
    .select({ id: batches.id, state: batches.state })
    .from(batches)
    .where(or(isRunning, eq(batches.state, transitions.undo.to)));
  let requeued = 0;
  for (const batch of found) requeued += await requeueWholeBatch(ctx, batch);
  return requeued;
}

function requeueWholeBatch(
  ctx: Context,
  { id, state }: Pick<typeof batches.$inferSelect, "id" | "state">,
): Promise<number> {
  return inTransaction(ctx, async (tx) => {
    const [batch] = await tx.db
      .select()
      .from(batches)
      .where(eq(batches.id, id))
      .for("update", { skipLocked: true });
    if (batch?.state !== state) return 0;
    const isUndo = state === transitions.undo.to;
    const contract = isUndo ? jobs.undoBatch : jobs.processWhole;
    const job = batchJob(isUndo ? "undo" : "whole", batch);
    if ((await tx.queue.live(tx.db, contract, [job.id])).size > 0) return 0;
    const isGivenUp = (await tx.queue.givenUp(tx.db, contract, [job.id])).size > 0;
    ctx.log.warn({ batchId: id, isGivenUp }, "batch without a live job");
    if (isGivenUp && !isUndo) {
      await tx.db.execute(startBatch(tx, id));
      await forgetSuccesses(tx, id);
      await endBatch(tx, id, "fail", GAVE_UP);
    } else {
      await tx.queue.remove(tx.db, contract, [job.id]);
      await tx.queue.add(tx.db, contract, [job]);
    }
    return 1;
  });
}

const GAVE_UP =
  "Every attempt to process this batch failed, but not because of an invalid row. See the log of the workers. No record was written.";

/** Whether a service checks a dry run (`isOneJob`). */
const hasJobPerChunk = sql`(is_dry_run AND coalesce((target_traits ->> 'sendsDryRuns')::boolean, false))`;

interface DueChunk extends LockedChunk, QueuedBatch {}

async function* dueChunks(ctx: Context): AsyncGenerator<DueChunk[]> {
  const dueBefore = new Date(ctx.now().getTime() - LOST_JOB_SECONDS * 1000).toISOString();
  let after: ChunkKey = { batchId: "00000000-0000-0000-0000-000000000000", firstRow: 0 };
  for (;;) {
    const { rows } = await ctx.db.execute<DueChunk & Record<string, unknown>>(sql`
      SELECT batch_id AS "batchId", first_row AS "firstRow", row_count AS "rowCount", attempt,
        first_attempt AS "firstAttempt", user_id::float AS "userId", total_rows AS "totalRows"
      FROM rowmill.chunks JOIN rowmill.batches ON batches.id = chunks.batch_id
      WHERE chunks.state <> 'done' AND due_at < ${dueBefore}
        AND batches.state = ANY(${sql.param(RUNNABLE_STATES)}::rowmill.batch_state[])
        AND (NOT is_dry_run AND policy = 'partial' OR ${hasJobPerChunk})
        AND (batch_id, first_row) > (${after.batchId}, ${after.firstRow})
      ORDER BY batch_id, first_row LIMIT ${PAGE}`);
    const last = rows.at(-1);
    if (!last) return;
    yield rows;
    after = last;
  }
}

/** Locks the chunk if it still waits for this attempt. False: a worker or another reconciler was faster. */
async function lockIfWaiting(tx: Tx, { batchId, firstRow, attempt }: DueChunk): Promise<boolean> {
  const { rows } = await tx.db.execute(sql`
    SELECT 1 FROM rowmill.chunks
    WHERE batch_id = ${batchId} AND first_row = ${firstRow} AND attempt = ${attempt} AND state <> 'done'
    FOR UPDATE SKIP LOCKED`);
  return rows.length === 1;
}

async function requeueChunk(ctx: Context, chunk: DueChunk): Promise<number> {
  return inTransaction(ctx, async (tx) => {
    if (!(await lockIfWaiting(tx, chunk))) return 0;
    const job = chunkJob(chunk, { batchId: chunk.batchId, firstRow: chunk.firstRow }, chunk.attempt);
    // Another reconciler may have requeued it.
    if ((await tx.queue.live(tx.db, jobs.processChunk, [job.id])).size > 0) return 0;
    // A finished or cancelled job with the same id would prevent the insert.
    await tx.queue.remove(tx.db, jobs.processChunk, [job.id]);
    await tx.queue.add(tx.db, jobs.processChunk, [job]);
    await tx.db.execute(sql`
      UPDATE rowmill.chunks SET state = 'queued', due_at = statement_timestamp(), updated_at = statement_timestamp()
      WHERE batch_id = ${chunk.batchId} AND first_row = ${chunk.firstRow} AND state <> 'done'`);
    return 1;
  });
}

async function giveUpWaitingChunk(ctx: Context, chunk: DueChunk): Promise<number> {
  return inTransaction(ctx, async (tx) =>
    (await lockIfWaiting(tx, chunk)) && (await giveUpChunk(tx, chunk)) ? 1 : 0,
  );
}

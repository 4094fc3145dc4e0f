/** Sets right what a crash or a lost job has left behind. Our tables are the truth; the queue only wakes. */
import { and, eq, lt, sql } from "drizzle-orm";
import { type Context, inTransaction } from "../context.ts";
import { jobs } from "../jobs.ts";
import { batches } from "../schema/batches.ts";
import { type ChunkKey, chunkJob, chunkJobId } from "./batch-jobs.ts";
import { failed } from "./outcomes.ts";
import { removeBatch } from "./remove-batch.ts";
import { settleChunk } from "./settle-chunk.ts";
import { startBatch } from "./start-batch.ts";
import { RUNNABLE_STATES, transitions } from "./state.ts";

/** Six signs of life missed (receive-upload.ts). */
const DEAD_UPLOAD_SECONDS = 120;
/** A job is added together with its chunk, so one that is missing this much later is lost. */
const LOST_JOB_SECONDS = 30;
const PAGE = 1000;

export interface Reconciled {
  readonly uploadsRemoved: number;
  readonly chunksRequeued: number;
  readonly chunksGivenUp: number;
}

/** Runs each minute; safe to run at any time, any number of times, side by side. */
export async function reconcile(ctx: Context): Promise<Reconciled> {
  const uploadsRemoved = await removeDeadUploads(ctx);
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
      if (isGivenUp) chunksGivenUp += await giveUpChunk(ctx, chunk);
      else chunksRequeued += await requeueChunk(ctx, chunk);
    }
  }
  return { uploadsRemoved, chunksRequeued, chunksGivenUp };
}

async function removeDeadUploads(ctx: Context): Promise<number> {
  const isDead = lt(batches.receivedAt, new Date(ctx.now().getTime() - DEAD_UPLOAD_SECONDS * 1000));
  const dead = await ctx.db
    .select({ id: batches.id })
    .from(batches)
    .where(and(eq(batches.state, transitions.accept.from[0]), isDead));
  for (const { id } of dead) {
    ctx.log.warn({ batchId: id }, "removing an upload whose process died");
    await removeBatch(ctx, id);
  }
  return dead.length;
}

interface DueChunk extends ChunkKey {
  readonly attempt: number;
}

async function* dueChunks(ctx: Context): AsyncGenerator<DueChunk[]> {
  const dueBefore = new Date(ctx.now().getTime() - LOST_JOB_SECONDS * 1000).toISOString();
  let after: ChunkKey = { batchId: "00000000-0000-0000-0000-000000000000", firstRow: 0 };
  for (;;) {
    const { rows } = await ctx.db.execute<{ batchId: string; firstRow: number; attempt: number }>(sql`
      SELECT batch_id AS "batchId", first_row AS "firstRow", attempt
      FROM chunks JOIN batches ON batches.id = chunks.batch_id
      WHERE chunks.state <> 'done' AND due_at < ${dueBefore}
        AND batches.state = ANY(${sql.param(RUNNABLE_STATES)}::batch_state[])
        AND (batch_id, first_row) > (${after.batchId}, ${after.firstRow})
      ORDER BY batch_id, first_row LIMIT ${PAGE}`);
    const last = rows.at(-1);
    if (!last) return;
    yield rows;
    after = last;
  }
}

/** Locks the chunk if it still waits for this attempt, so that a worker or another reconciler can't be crossed. */
async function lockIfWaiting(tx: Context, { batchId, firstRow, attempt }: DueChunk): Promise<boolean> {
  const { rows } = await tx.db.execute(sql`
    SELECT 1 FROM chunks
    WHERE batch_id = ${batchId} AND first_row = ${firstRow} AND attempt = ${attempt} AND state <> 'done'
    FOR UPDATE SKIP LOCKED`);
  return rows.length === 1;
}

async function requeueChunk(ctx: Context, chunk: DueChunk): Promise<number> {
  return inTransaction(ctx, async (tx) => {
    if (!(await lockIfWaiting(tx, chunk))) return 0;
    const job = chunkJob({ batchId: chunk.batchId, firstRow: chunk.firstRow }, chunk.attempt);
    // Another reconciler may have been faster.
    if ((await tx.queue.live(tx.db, jobs.processChunk, [job.id])).size > 0) return 0;
    // A finished or cancelled job of the same id would be in the way.
    await tx.queue.remove(tx.db, jobs.processChunk, [job.id]);
    await tx.queue.add(tx.db, jobs.processChunk, [job]);
    await tx.db.execute(sql`
      UPDATE chunks SET state = 'queued', due_at = statement_timestamp(), updated_at = statement_timestamp()
      WHERE batch_id = ${chunk.batchId} AND first_row = ${chunk.firstRow} AND state <> 'done'`);
    return 1;
  });
}

/** A chunk whose every delivery ended in an exception: its open rows fail, so that its batch can end. */
async function giveUpChunk(ctx: Context, chunk: DueChunk): Promise<number> {
  return inTransaction(ctx, async (tx) => {
    if (!(await lockIfWaiting(tx, chunk))) return 0;
    const { rows } = await tx.db.execute<{ row: number }>(sql`
      SELECT row_number AS row FROM batch_rows JOIN chunks USING (batch_id)
      WHERE batch_id = ${chunk.batchId} AND first_row = ${chunk.firstRow} AND row_number BETWEEN first_row AND last_row
        AND NOT EXISTS (
          SELECT FROM row_results WHERE row_results.batch_id = ${chunk.batchId} AND row_results.row_number = batch_rows.row_number
        )`);
    // It may be that no delivery came as far as to begin.
    await tx.db.execute(startBatch(chunk.batchId));
    const message =
      "Processing failed each time it was tried, for no reason in this row; the worker's log tells more.";
    const outcome = failed("gave_up", message);
    await settleChunk(
      tx,
      chunk,
      rows.map(({ row }) => ({ row, outcome })),
    );
    return 1;
  });
}

import { sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import { jobs } from "../../jobs.ts";
import type { batches } from "../../schema/batches.ts";
import { batchJob, chunkJob, chunkJobId } from "../batch-jobs.ts";
import { isOneJob } from "../state.ts";
import { endBatch, endWaits, startBatch } from "../transitions.ts";
import { enqueueNextChunk, NOT_YET } from "./pace.ts";

type UnfinishedBatch = Pick<
  typeof batches.$inferSelect,
  | "id"
  | "userId"
  | "totalRows"
  | "run"
  | "isDryRun"
  | "policy"
  | "rowsPerSecond"
  | "pacedUntil"
  | "targetTraits"
>;

/**
 * Enqueues the remaining work of a batch, in the transaction that makes the batch `queued`. Jobs with the same ids may
 * remain from before a pause, so they are removed first. A chunk that a worker may still be processing gets a new
 * attempt, and so a job with another id: that worker completes its old job when it notices that the batch was stopped.
 * Automatic retries are counted from `first_attempt`, which also tells a paced batch when to continue with the next chunk.
 */
export async function enqueueWork(tx: Tx, batch: UnfinishedBatch): Promise<void> {
  if (batch.totalRows === 0) return endEmptyBatch(tx, batch);
  if (isOneJob(batch)) {
    const job = batchJob("whole", batch);
    await tx.queue.remove(tx.db, jobs.processWhole, [job.id]);
    await tx.queue.add(tx.db, jobs.processWhole, [job]);
    return;
  }
  // Someone who resumes a batch wants to know whether it works now.
  await endWaits(tx, batch.id);
  // The chunks that run at a time; each enqueues the next one. null: workers take as many as they can.
  const lanes = batch.rowsPerSecond === null ? (batch.targetTraits?.lanes ?? null) : 1;
  const { rows } = await tx.db.execute<{ firstRow: number; attempt: number }>(sql`
    UPDATE rowmill.chunks SET state = 'queued', waiting = 0, due_at = ${lanes !== null ? NOT_YET : sql`statement_timestamp()`},
      attempt = attempt + (state = 'processing')::int, first_attempt = attempt + (state = 'processing')::int
    WHERE batch_id = ${batch.id} AND state <> 'done'
    RETURNING first_row AS "firstRow", attempt`);
  const chunks = rows.toSorted((a, b) => a.firstRow - b.firstRow);
  const keyOf = (firstRow: number) => ({ batchId: batch.id, firstRow });
  await tx.queue.remove(
    tx.db,
    jobs.processChunk,
    chunks.map(({ firstRow, attempt }) => chunkJobId(keyOf(firstRow), attempt)),
  );
  if (lanes !== null) {
    const waitMs = batch.rowsPerSecond === null ? 0 : (batch.pacedUntil?.getTime() ?? 0) - tx.now().getTime();
    for (let lane = 0; lane < lanes; lane++)
      await enqueueNextChunk(tx, batch.id, batch, Math.max(0, waitMs / 1000));
    return;
  }
  await tx.queue.add(
    tx.db,
    jobs.processChunk,
    chunks.map(({ firstRow, attempt }) => chunkJob(batch, keyOf(firstRow), attempt)),
  );
}

/** Enqueues the work of a batch that was just received: nothing remains of an earlier run, and no chunk was changed. */
export async function enqueueReceived(
  tx: Tx,
  batch: UnfinishedBatch,
  chunks: readonly { readonly firstRow: number }[],
): Promise<void> {
  if (batch.totalRows === 0) return endEmptyBatch(tx, batch);
  if (isOneJob(batch)) return tx.queue.add(tx.db, jobs.processWhole, [batchJob("whole", batch)]);
  // Only one chunk per lane is due.
  if (batch.rowsPerSecond !== null || batch.targetTraits?.lanes) return enqueueWork(tx, batch);
  await tx.queue.add(
    tx.db,
    jobs.processChunk,
    chunks.map(({ firstRow }) => chunkJob(batch, { batchId: batch.id, firstRow }, 1)),
  );
}

/** Ends a batch of a file that has only a header. No worker is needed. */
async function endEmptyBatch(tx: Tx, { id, isDryRun }: UnfinishedBatch): Promise<void> {
  await tx.db.execute(startBatch(tx, id));
  await endBatch(tx, id, isDryRun ? "validate" : "complete", null);
}

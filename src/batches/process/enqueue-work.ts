import { sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import { jobs } from "../../jobs.ts";
import type { batches } from "../../schema/batches.ts";
import { batchJob, chunkJob, chunkJobId } from "../batch-jobs.ts";
import { isWhole } from "../state.ts";
import { enqueueNextChunk, NOT_YET } from "./pace.ts";

type Workable = Pick<
  typeof batches.$inferSelect,
  "id" | "userId" | "totalRows" | "run" | "isDryRun" | "policy" | "rowsPerSecond" | "pacedUntil"
>;

/**
 * Enqueues all that a batch has left to do, in the transaction that makes it `queued`. Jobs of the same ids may be
 * there from before it was paused. Chunks that a worker may still have in hand get jobs of other ids: that worker
 * completes the job it has, once it notices that the batch was stopped. Retries by themselves count from here, also so
 * that a paced batch goes on behind its first chunk, whichever attempt that is at.
 */
export async function enqueueWork(tx: Tx, batch: Workable): Promise<void> {
  if (isWhole(batch)) {
    const job = batchJob("whole", batch);
    await tx.queue.remove(tx.db, jobs.processWhole, [job.id]);
    await tx.queue.add(tx.db, jobs.processWhole, [job]);
    return;
  }
  const isPaced = batch.rowsPerSecond !== null;
  const { rows } = await tx.db.execute<{ firstRow: number; attempt: number }>(sql`
    UPDATE rowmill.chunks SET state = 'queued', due_at = ${isPaced ? NOT_YET : sql`statement_timestamp()`},
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
  if (isPaced) {
    const waitMs = (batch.pacedUntil?.getTime() ?? 0) - tx.now().getTime();
    await enqueueNextChunk(tx, batch.id, batch, Math.max(0, waitMs / 1000));
    return;
  }
  const added = chunks.map(({ firstRow, attempt }) => chunkJob(batch, keyOf(firstRow), attempt));
  await tx.queue.add(tx.db, jobs.processChunk, added);
}

/**
 * `rows_per_second`: the chunks of a paced batch run one after another, each as late as the rows before it demand.
 * A bucket of two seconds lets it make up for the queue's polling, and for no more than that after a standstill.
 */
import { sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import { jobs } from "../../jobs.ts";
import { chunkJob, type Lane } from "../batch-jobs.ts";

const BUCKET_SECONDS = 2;

/** Chunks that wait for their turn: due only when the one before them has ended. */
export const NOT_YET = sql`'infinity'::timestamptz`;

/**
 * Enqueues the next chunk behind one that has ended, under the lock on the batch that the caller holds.
 * @param rowCount how many of its rows were worked on
 */
export async function goOnPaced(tx: Tx, batchId: string, rowCount: number, lane: Lane): Promise<void> {
  const { rows } = await tx.db.execute<{ delaySeconds: number }>(sql`
    UPDATE rowmill.batches SET paced_until =
      greatest(paced_until, statement_timestamp() - make_interval(secs => ${BUCKET_SECONDS}))
        + make_interval(secs => ${rowCount}::float / rows_per_second)
    WHERE id = ${batchId}
    RETURNING greatest(0, extract(epoch FROM paced_until - statement_timestamp()))::float AS "delaySeconds"`);
  await enqueueNextChunk(tx, batchId, lane, rows[0]?.delaySeconds ?? 0);
}

/** Enqueues the first chunk that is not due yet. */
export async function enqueueNextChunk(
  tx: Tx,
  batchId: string,
  lane: Lane,
  delaySeconds: number,
): Promise<void> {
  const { rows } = await tx.db.execute<{ firstRow: number; attempt: number }>(sql`
    UPDATE rowmill.chunks SET due_at = statement_timestamp() + make_interval(secs => ${delaySeconds})
    WHERE batch_id = ${batchId} AND first_row = (
      SELECT first_row FROM rowmill.chunks
      WHERE batch_id = ${batchId} AND state <> 'done' AND due_at = ${NOT_YET} ORDER BY first_row LIMIT 1
    )
    RETURNING first_row AS "firstRow", attempt`);
  const [next] = rows;
  if (!next) return;
  const job = chunkJob(lane, { batchId, firstRow: next.firstRow }, next.attempt, delaySeconds);
  await tx.queue.add(tx.db, jobs.processChunk, [job]);
}

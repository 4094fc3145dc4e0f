/**
 * The upload option `rows_per_second`: the chunks of a paced batch run one after the other, each delayed by the rows
 * before it. A batch that has fallen behind can catch up by at most two seconds, enough for the polling of the queue.
 */
import { sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import { jobs } from "../../jobs.ts";
import { chunkJob, type QueuedBatch } from "../batch-jobs.ts";

const MAX_CATCH_UP_SECONDS = 2;

/** `due_at` of chunks that wait until the chunk before them has ended. */
export const NOT_YET = sql`'infinity'::timestamptz`;

/**
 * Enqueues the chunk after one that has ended. The caller holds the lock on the batch.
 * @param rowCount the number of rows that were processed in the chunk that has ended
 */
export async function enqueueAfterChunk(
  tx: Tx,
  batchId: string,
  batch: QueuedBatch,
  rowCount: number,
): Promise<void> {
  // An UPDATE of a distributed table may not call stable functions with columns, such as the addition of an interval.
  const { rows } = await tx.db.execute<{ until: string; delaySeconds: number }>(sql`
    SELECT until::text, greatest(0, extract(epoch FROM until - statement_timestamp()))::float AS "delaySeconds" FROM (
      SELECT greatest(paced_until, statement_timestamp() - make_interval(secs => ${MAX_CATCH_UP_SECONDS}))
        + make_interval(secs => ${rowCount}::float / rows_per_second) AS until
      FROM rowmill.batches WHERE id = ${batchId}
    ) AS next`);
  const until = rows[0]?.until;
  if (until !== undefined)
    await tx.db.execute(
      sql`UPDATE rowmill.batches SET paced_until = ${until}::timestamptz WHERE id = ${batchId}`,
    );
  await enqueueNextChunk(tx, batchId, batch, rows[0]?.delaySeconds ?? 0);
}

/** Enqueues the first chunk that waits for its turn. */
export async function enqueueNextChunk(
  tx: Tx,
  batchId: string,
  batch: QueuedBatch,
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
  const job = chunkJob(batch, { batchId, firstRow: next.firstRow }, next.attempt, delaySeconds);
  await tx.queue.add(tx.db, jobs.processChunk, [job]);
}

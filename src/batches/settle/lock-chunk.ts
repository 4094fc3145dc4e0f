import { sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import type { ChunkKey } from "../batch-jobs.ts";
import type { LockedChunk } from "./stored-outcomes.ts";

export interface OpenChunk extends LockedChunk {
  readonly lastRow: number;
  readonly bytes: number | null;
}

/**
 * Locks the chunk, so that only one worker decides the outcomes of its rows. Null: another worker has decided them.
 * @param delayMs the simulated time that the rows have taken before this delivery
 */
export async function lockChunk(
  tx: Tx,
  { batchId, firstRow }: ChunkKey,
  delayMs: number,
): Promise<OpenChunk | null> {
  const { rows } = await tx.db.execute<Omit<OpenChunk, keyof ChunkKey> & Record<string, unknown>>(sql`
    SELECT last_row AS "lastRow", row_count AS "rowCount", bytes::float, attempt, first_attempt AS "firstAttempt",
      updated_at - ${delayMs} * interval '1 millisecond' AS "takenAt"
    FROM rowmill.chunks
    WHERE batch_id = ${batchId} AND first_row = ${firstRow} AND state <> 'done'
    FOR UPDATE`);
  const [locked] = rows;
  return locked ? { batchId, firstRow, ...locked } : null;
}

/**
 * Keeps the causes of the failed rows of a chunk, so that grouping the errors of a batch does not read these rows.
 *
 * Causes count only while the chunk is as it was when they were stored. Nobody has to remove them, so programs of 0.11.0 may
 * change chunks as well: whatever removes or replaces a failed row also increments `attempt` or sets `updated_at`, and whatever adds one
 * sets `failed`. Messages are not kept: they may be long, name cells, and change when a row takes over the record of another one.
 */
import { sql } from "drizzle-orm";
import type { Context, Tx } from "../context.ts";
import type { StoredCause } from "../schema/chunk-causes.ts";
import type { ChunkKey } from "./batch-jobs.ts";
import { CauseGroups } from "./cause-groups.ts";
import { readFailedRows } from "./read-failed-rows.ts";

/** The causes of a chunk with more are not kept. Such rows are read. */
const MAX_CAUSES = 100;
const MAX_BYTES = 2 ** 13;
/** Chunks per statement, so that their causes take at most 4 MB. */
const PAGE_CHUNKS = 2 ** 9;

/** The errors that a worker reads at a time. */
const READ_BYTES = 2 ** 20;

/** Groups for the failed rows of one chunk. */
export const newChunkCauses = () => new CauseGroups(MAX_CAUSES);

/**
 * Requires the lock on the chunk, and its new state. Call it before the batch is locked: it may read the failed rows of the chunk.
 * @param failed the number of all failed rows of the chunk
 * @param added the causes of the rows that have failed in this transaction
 */
export async function storeCauses(
  tx: Tx,
  { batchId, firstRow, lastRow }: ChunkKey & { readonly lastRow: number },
  failed: number,
  added: CauseGroups,
): Promise<void> {
  if (failed === 0) return;
  let causes = added;
  if (added.failed !== failed) {
    causes = newChunkCauses();
    const range = { batchId, firstRow, lastRow };
    for await (const rows of readFailedRows(tx, range, { pageBytes: READ_BYTES })) {
      causes.add(rows);
      if (causes.ungrouped > 0) return;
    }
  }
  if (causes.ungrouped > 0) return;
  const list = causes.list().map(({ message: _, ...cause }) => cause satisfies StoredCause);
  const json = JSON.stringify(list);
  if (Buffer.byteLength(json) > MAX_BYTES) return;
  await tx.db.execute(sql`
    INSERT INTO rowmill.chunk_causes (batch_id, first_row, last_row, attempt, failed, chunk_updated_at, causes)
    SELECT ${batchId}, first_row, last_row, attempt, failed, updated_at, ${json}::json FROM rowmill.chunks
    WHERE batch_id = ${batchId} AND first_row = ${firstRow} AND failed = ${causes.failed}
    ON CONFLICT (batch_id, first_row) DO UPDATE SET last_row = excluded.last_row, attempt = excluded.attempt,
      failed = excluded.failed, chunk_updated_at = excluded.chunk_updated_at, causes = excluded.causes`);
}

interface FailedChunk {
  readonly firstRow: number;
  readonly lastRow: number;
  readonly failed: number;
  /** null: unknown. */
  readonly causes: readonly StoredCause[] | null;
}

/**
 * Yields the chunks that have failed rows, in their order.
 * @param until the time of `performance.now()` after which no further page is read
 */
export async function* readChunkCauses(
  { db }: Pick<Context, "db">,
  batchId: string,
  until: number,
): AsyncGenerator<FailedChunk> {
  for (let after = 0; performance.now() < until; ) {
    const { rows: page } = await db.execute<FailedChunk & Record<string, unknown>>(sql`
      SELECT first_row AS "firstRow", last_row AS "lastRow", failed, (
        SELECT causes FROM rowmill.chunk_causes AS stored
        WHERE stored.batch_id = ${batchId} AND stored.first_row = chunk.first_row AND stored.last_row = chunk.last_row
          AND stored.attempt = chunk.attempt AND stored.failed = chunk.failed AND stored.chunk_updated_at = chunk.updated_at LIMIT 1
      ) AS causes
      FROM rowmill.chunks AS chunk WHERE batch_id = ${batchId} AND first_row > ${after} AND failed > 0
      ORDER BY first_row LIMIT ${PAGE_CHUNKS}`);
    yield* page;
    const last = page.at(-1);
    if (!last || page.length < PAGE_CHUNKS) return;
    // A chunk that was divided meanwhile has a second part, whose rows belong to this one.
    after = last.lastRow;
  }
}

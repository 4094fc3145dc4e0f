/**
 * Keeps the causes of the failed rows of a chunk, so that grouping the errors of a batch does not read these rows. The end of a batch
 * keeps those of all its chunks once more, as one entry, so that it does not read the chunks either.
 *
 * Causes count only while the chunk is as it was when they were stored. Nobody has to remove them, so programs of 0.11.0 may
 * change chunks as well: whatever removes or replaces a failed row also increments `attempt` or sets `updated_at`, and whatever adds one
 * sets `failed`. Messages are not kept: they may be long, name cells, and change when a row takes over the record of another one.
 */
import { type SQL, sql } from "drizzle-orm";
import type { Context, Tx } from "../context.ts";
import type { StoredCause } from "../schema/chunk-causes.ts";
import type { ChunkKey } from "./batch-jobs.ts";
import { CauseGroups } from "./cause-groups.ts";
import { MAX_ROW_NUMBER } from "./ids.ts";
import { readFailedRows } from "./read-failed-rows.ts";

/** The causes of a chunk with more are not kept. Such rows are read. */
const OF_CHUNK = { causes: 100, bytes: 2 ** 13 };
/** As many as an answer has. The causes of a batch with more are added up from its chunks. */
const OF_BATCH = { causes: 1000, bytes: 2 ** 17 };
/** Chunks per statement, so that their causes take at most 4 MB. */
const PAGE_CHUNKS = 2 ** 9;
/** Fewer in the transaction that ends a batch, because a worker does not reserve memory for them. */
const END_PAGE_CHUNKS = 2 ** 7;
/** A cancellation may wait for the lock on the batch, or add up the causes itself. */
const END_MS = 500;

/** The entry of the whole batch has this row instead of the first row of a chunk, which is 1 or higher. */
const WHOLE = 0;

/** The errors that a worker reads at a time. */
const READ_BYTES = 2 ** 20;

/** Groups for the failed rows of one chunk. */
export const newChunkCauses = () => new CauseGroups(OF_CHUNK.causes);

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
  await store(
    tx,
    causes,
    OF_CHUNK.bytes,
    (json) => sql`
      SELECT ${batchId}, first_row, last_row, attempt, failed, updated_at, ${json} FROM rowmill.chunks
      WHERE batch_id = ${batchId} AND first_row = ${firstRow} AND failed = ${causes.failed}`,
  );
}

/**
 * Adds up the causes of all chunks, in the transaction that ends the batch. They count while the batch has the same run, so no row may
 * fail later. Nothing is kept if the failed rows are in one chunk, if the causes of a chunk are not known, or if the time is up.
 * @param failedRows the number of failed rows of the batch
 */
export async function storeCausesAtEnd(
  tx: Tx,
  batchId: string,
  failedRows: number,
  maxMs = END_MS,
): Promise<void> {
  const groups = new CauseGroups(OF_BATCH.causes);
  const limits = { pageChunks: END_PAGE_CHUNKS, until: performance.now() + maxMs };
  let chunks = 0;
  for await (const { failed, causes } of readChunks(tx, batchId, limits)) {
    if (!causes) return;
    groups.addStored(failed, causes);
    if (groups.ungrouped > 0) return;
    chunks++;
  }
  if (chunks < 2 || groups.failed !== failedRows) return;
  await store(
    tx,
    groups,
    OF_BATCH.bytes,
    (json) => sql`
      SELECT ${batchId}::uuid, ${WHOLE}::int, ${WHOLE}::int, run, ${failedRows}::int, finished_at, ${json} FROM rowmill.batches WHERE id = ${batchId}`,
  );
}

/** @param entry SQL that selects the columns of the entry, with the causes as JSON */
async function store(
  { db }: Tx,
  groups: CauseGroups,
  maxBytes: number,
  entry: (json: SQL) => SQL,
): Promise<void> {
  if (groups.ungrouped > 0) return;
  const list = groups.list().map(({ message: _, ...cause }) => cause satisfies StoredCause);
  const json = JSON.stringify(list);
  if (Buffer.byteLength(json) > maxBytes) return;
  await db.execute(sql`
    INSERT INTO rowmill.chunk_causes (batch_id, first_row, last_row, attempt, failed, chunk_updated_at, causes)
    ${entry(sql`${json}::json`)}
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
 * Yields the chunks that have failed rows, in their order. If the batch has ended and its causes are known, it yields the whole batch as one.
 * @param until the time of `performance.now()` after which no further page is read
 */
export async function* readCauses(
  ctx: Pick<Context, "db">,
  batchId: string,
  until: number,
): AsyncGenerator<FailedChunk> {
  const whole = await readWhole(ctx, batchId);
  if (whole) yield whole;
  else yield* readChunks(ctx, batchId, { pageChunks: PAGE_CHUNKS, until });
}

async function readWhole({ db }: Pick<Context, "db">, batchId: string): Promise<FailedChunk | undefined> {
  const { rows } = await db.execute<FailedChunk & Record<string, unknown>>(sql`
    SELECT first_row AS "firstRow", ${MAX_ROW_NUMBER}::int AS "lastRow", failed, causes
    FROM rowmill.batches JOIN rowmill.chunk_causes ON batch_id = id AND attempt = run AND chunk_updated_at = finished_at
    WHERE id = ${batchId} AND batch_id = ${batchId} AND first_row = ${WHOLE}`);
  return rows[0];
}

interface ReadChunks {
  /** Chunks per statement. */
  readonly pageChunks: number;
  readonly until?: number;
}

async function* readChunks(
  { db }: Pick<Context, "db">,
  batchId: string,
  { pageChunks, until = Number.POSITIVE_INFINITY }: ReadChunks,
): AsyncGenerator<FailedChunk> {
  for (let after = 0; performance.now() < until; ) {
    const { rows: page } = await db.execute<FailedChunk & Record<string, unknown>>(sql`
      SELECT first_row AS "firstRow", last_row AS "lastRow", failed, (
        SELECT causes FROM rowmill.chunk_causes AS stored
        WHERE stored.batch_id = ${batchId} AND stored.first_row = chunk.first_row AND stored.last_row = chunk.last_row
          AND stored.attempt = chunk.attempt AND stored.failed = chunk.failed AND stored.chunk_updated_at = chunk.updated_at LIMIT 1
      ) AS causes
      FROM rowmill.chunks AS chunk WHERE batch_id = ${batchId} AND first_row > ${after} AND failed > 0
      ORDER BY first_row LIMIT ${pageChunks}`);
    yield* page;
    const last = page.at(-1);
    if (!last || page.length < pageChunks) return;
    // A chunk that was divided meanwhile has a second part, whose rows belong to this one.
    after = last.lastRow;
  }
}

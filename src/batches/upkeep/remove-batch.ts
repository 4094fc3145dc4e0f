import { eq, sql } from "drizzle-orm";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { jobs } from "../../jobs.ts";
import { batches } from "../../schema/batches.ts";
import { batchChanged } from "../batch-changes.ts";
import { batchJobId, chunkJobId } from "../batch-jobs.ts";
import { transitions } from "../state.ts";
import { signsOfLife } from "./signs-of-life.ts";

/**
 * The number of rows that one statement removes, so that no statement holds locks for long. A slice is a range: for a list
 * of row numbers the planner may compare each row with each number if its statistics are old. It begins where the last one ended:
 * while a backup runs, a search for the first rows that are left would pass all removed ones each time.
 */
const SLICE_ROWS = 50_000;

/**
 * Removes a batch with its rows, results, chunks and jobs. The batch itself is removed last, so that the reconciler can
 * complete an interrupted removal. Until then, signs of life keep it from joining. The records that the batch created stay. No worker
 * may be processing the batch.
 */
export async function removeBatch(ctx: Context, batchId: string): Promise<void> {
  using _signs = signsOfLife(ctx, [batchId]);
  for (const table of ["row_history", "row_results", "row_waits", "batch_rows"])
    await removeRows(ctx, table, batchId);
  await removeValues(ctx, batchId);
  await inTransaction(ctx, (tx) => removeRest(tx, batchId));
}

async function removeRows({ db }: Context, table: string, batchId: string): Promise<void> {
  const rows = sql`rowmill.${sql.identifier(table)} WHERE batch_id = ${batchId}`;
  const { rows: found } = await db.execute<{ first: number | null; last: number | null }>(
    sql`SELECT min(row_number) AS first, max(row_number) AS last FROM ${rows}`,
  );
  const { first = null, last = null } = found[0] ?? {};
  if (first === null || last === null) return;
  for (let from = first; from <= last; from += SLICE_ROWS)
    await db.execute(
      sql`DELETE FROM ${rows} AND row_number >= ${from}::int AND row_number < ${from + SLICE_ROWS}::bigint`,
    );
}

/** Removes the chunks, the jobs, and the batch itself. */
async function removeRest(tx: Tx, batchId: string): Promise<void> {
  // First the chunks, then the batch: the order in which workers lock. A worker that still runs then gives up its chunk.
  await tx.db.execute(sql`SELECT FROM rowmill.chunks WHERE batch_id = ${batchId} FOR UPDATE`);
  // An upload that still writes rows holds this lock, or finds that the batch is gone.
  const [batch] = await tx.db
    .select({ run: batches.run, state: batches.state })
    .from(batches)
    .where(eq(batches.id, batchId))
    .for("update");
  if (!batch) return;
  // An upload may have written rows meanwhile. For other batches, this would only pass all removed rows again.
  if (batch.state === transitions.accept.from[0])
    await tx.db.execute(sql`DELETE FROM rowmill.batch_rows WHERE batch_id = ${batchId}`);
  await tx.db.execute(sql`DELETE FROM rowmill.chunk_causes WHERE batch_id = ${batchId}`);
  const { rows: chunks } = await tx.db.execute<Chunk & Record<string, unknown>>(
    sql`DELETE FROM rowmill.chunks WHERE batch_id = ${batchId} RETURNING first_row AS "firstRow", attempt`,
  );
  await removeJobs(tx, batchId, batch.run, chunks);
  await tx.db.delete(batches).where(eq(batches.id, batchId));
  await batchChanged(tx, batchId);
}

interface Chunk {
  readonly firstRow: number;
  readonly attempt: number;
}

/** Removes the jobs of all attempts and runs. */
async function removeJobs(tx: Tx, batchId: string, lastRun: number, chunks: readonly Chunk[]): Promise<void> {
  const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);
  const ofChunks = chunks.flatMap(({ firstRow, attempt }) =>
    upTo(attempt).map((each) => chunkJobId({ batchId, firstRow }, each)),
  );
  await tx.queue.remove(tx.db, jobs.processChunk, ofChunks);
  const ofBatch = (kind: "whole" | "undo") => upTo(lastRun).map((run) => batchJobId(kind, batchId, run));
  await tx.queue.remove(tx.db, jobs.processWhole, ofBatch("whole"));
  await tx.queue.remove(tx.db, jobs.undoBatch, ofBatch("undo"));
}

/** The values of unique columns are not in the order of the rows. Their hashes are spread evenly, so a slice is a range of hashes. */
async function removeValues(ctx: Context, batchId: string): Promise<void> {
  const values = sql`rowmill.row_values WHERE batch_id = ${batchId}`;
  const { rows: columns } = await ctx.db.execute<{ position: number; count: number }>(
    sql`SELECT position, count(*)::int AS count FROM ${values} GROUP BY position`,
  );
  for (const { position, count } of columns) {
    const slices = Math.ceil(count / SLICE_ROWS);
    for (let slice = 0; slice < slices; slice++) {
      const end = slice + 1 < slices ? sql`hash < ${hashAt((slice + 1) / slices)}::uuid` : sql`true`;
      await ctx.db.execute(
        sql`DELETE FROM ${values} AND position = ${position} AND hash >= ${hashAt(slice / slices)}::uuid AND ${end}`,
      );
    }
  }
}

/** @param part the part of all hashes that is below it */
function hashAt(part: number): string {
  return Math.floor(part * 2 ** 32)
    .toString(16)
    .padStart(8, "0")
    .padEnd(32, "0");
}

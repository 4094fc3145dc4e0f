/** The worker's part: one chunk of rows from their cells to their results, in the transaction of its job. */
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import type { Delivery } from "../platform/queue.ts";
import type { BatchMode } from "../schema/batches.ts";
import { targetNamed } from "../targets/registry.ts";
import type { ChunkKey } from "./batch-jobs.ts";
import { notifyBatch } from "./notify-batch.ts";
import { type OpenRow, processRows, type RowsTask } from "./process-rows.ts";
import { type Settled, settleChunk } from "./settle-chunk.ts";
import { startBatch } from "./start-batch.ts";
import { RUNNABLE_STATES } from "./state.ts";

interface ChunkTask extends RowsTask {
  readonly rowDelayMs: number;
}

/**
 * Gives every row of the chunk that has no result yet its result. Whatever happens before the commit leaves no
 * trace, so a chunk that is delivered again starts from what is committed. Undefined: there was nothing left to do.
 * @param ctx for what others must see meanwhile
 * @param tx in the transaction that the job's completion commits
 */
export async function processChunk(
  ctx: Context,
  tx: Context,
  key: ChunkKey,
  delivery: Delivery,
): Promise<Settled | undefined> {
  const startedAt = performance.now();
  const task = await markProcessing(ctx, key);
  if (!task) return undefined;
  await notifyBatch(ctx, key.batchId);
  const log = ctx.log.child({ ...key, delivery: delivery.attempt });
  log.info("chunk received");

  // Every row takes this long; they run side by side. Nothing is locked or read yet.
  if (task.rowDelayMs > 0) await sleep(task.rowDelayMs, undefined, { signal: delivery.signal });

  const chunk = await lockChunk(tx, key);
  if (!chunk) return undefined;
  const rows = await readOpenRows(tx, key, chunk.lastRow);
  const outcomes = await processRows(tx, task, rows);
  delivery.signal.throwIfAborted();
  const settled = await settleChunk(tx, { ...key, ...chunk }, outcomes);
  log.info(
    { ...settled, rows: rows.length, attempt: chunk.attempt, ms: Math.round(performance.now() - startedAt) },
    "chunk succeeded",
  );
  return settled;
}

/** Outside the transaction, so that a status read sees which rows are being worked on. Null: nothing to do. */
async function markProcessing(ctx: Context, { batchId, firstRow }: ChunkKey): Promise<ChunkTask | null> {
  const { rows } = await ctx.db.execute<{
    userId: string;
    target: string;
    mode: BatchMode;
    header: string[];
    mapping: Record<string, number>;
    rowDelayMs: number;
  }>(sql`
    WITH started AS (${startBatch(batchId)})
    UPDATE chunks SET state = 'processing', updated_at = statement_timestamp()
    FROM batches
    WHERE chunks.batch_id = ${batchId} AND first_row = ${firstRow} AND chunks.state <> 'done'
      AND batches.id = chunks.batch_id AND batches.state = ANY(${sql.param(RUNNABLE_STATES)}::batch_state[])
    RETURNING user_id AS "userId", target, mode, header, mapping, row_delay_ms AS "rowDelayMs"`);
  const [found] = rows;
  if (!found) return null;
  const { userId, target, mode, header, mapping, rowDelayMs } = found;
  const batch = { id: batchId, userId: Number(userId), mode, header };
  return { batch, target: targetNamed(target), mapping, rowDelayMs };
}

/** Whoever holds this lock is the one that decides the chunk's rows. Null: somebody else has. */
async function lockChunk(tx: Context, { batchId, firstRow }: ChunkKey) {
  const { rows } = await tx.db.execute<{ lastRow: number; attempt: number }>(sql`
    SELECT last_row AS "lastRow", attempt FROM chunks
    WHERE batch_id = ${batchId} AND first_row = ${firstRow} AND state <> 'done'
    FOR UPDATE`);
  return rows[0] ?? null;
}

/** The chunk's rows without a result. The range stands twice because the planner does not carry it over. */
async function readOpenRows(
  tx: Context,
  { batchId, firstRow }: ChunkKey,
  lastRow: number,
): Promise<OpenRow[]> {
  const { rows } = await tx.db.execute<{ row: number; fields: string[]; problem: string | null }>(sql`
    SELECT row_number AS row, fields, problem FROM batch_rows
    WHERE batch_id = ${batchId} AND row_number BETWEEN ${firstRow} AND ${lastRow}
      AND row_number NOT IN (
        SELECT row_number FROM row_results WHERE batch_id = ${batchId} AND row_number BETWEEN ${firstRow} AND ${lastRow}
      )
    ORDER BY row_number`);
  return rows;
}

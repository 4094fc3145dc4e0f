/** Imports of a test that decides itself when which chunk is processed. */
import { inTransaction } from "../../src/context.ts";
import type { BatchMode } from "../../src/schema/batches.ts";
import { builtInNamed } from "../../src/targets/registry.ts";
import type { TargetBatch, UndoOutcome, WrittenRow } from "../../src/targets/target.ts";
import { deliverChunk } from "./batches.ts";
import type { Client } from "./client.ts";
import type { Rowmill } from "./rowmill.ts";

/** Uploads a file; nothing processes it yet. */
export async function receive(
  user: Client,
  file: string,
  mode: BatchMode = "insert",
  target = "books",
): Promise<string> {
  const { status, body } = await user.upload(
    file,
    `/api/v1/batches?target=${target}&mode=${mode}&force=true`,
  );
  if (status !== 202) throw new Error(`the upload answered ${status}: ${JSON.stringify(body)}`);
  return body.id;
}

/** The first rows of a batch's chunks. */
export async function chunksOf({ ctx }: Rowmill, batchId: string): Promise<number[]> {
  const { rows } = await ctx.pool.query<{ firstRow: number }>(
    `SELECT first_row AS "firstRow" FROM rowmill.chunks WHERE batch_id = $1 ORDER BY first_row`,
    [batchId],
  );
  return rows.map(({ firstRow }) => firstRow);
}

/** Imports a file, its chunks in their order or the other way round. */
export async function importFile(
  rowmill: Rowmill,
  user: Client,
  file: string,
  mode: BatchMode = "insert",
  { isBackwards = false, target = "books" } = {},
): Promise<string> {
  const batchId = await receive(user, file, mode, target);
  const chunks = await chunksOf(rowmill, batchId);
  for (const firstRow of isBackwards ? chunks.toReversed() : chunks)
    await deliverChunk(rowmill.ctx, batchId, firstRow);
  return batchId;
}

/** Returns the outcome of each row: `created`, `updated`, `unchanged`, or its error code. */
export async function effects({ ctx }: Rowmill, batchId: string): Promise<Record<number, string>> {
  const { rows } = await ctx.pool.query<{ row: number; came: string }>(
    `SELECT row_number AS row, coalesce(error_code, effect::text) AS came FROM rowmill.row_results WHERE batch_id = $1`,
    [batchId],
  );
  return Object.fromEntries(rows.map(({ row, came }) => [row, came]));
}

/** Undoes a batch's rows from the last to the first, one at a time. */
export async function undo({ ctx }: Rowmill, batchId: string): Promise<Record<number, UndoOutcome>> {
  const { rows: batches } = await ctx.pool.query<TargetBatch & { target: string }>(
    `SELECT id, user_id::int AS "userId", mode, header, mapping, target FROM rowmill.batches WHERE id = $1`,
    [batchId],
  );
  const [batch] = batches;
  if (!batch) throw new Error("no such batch");
  const { rows } = await ctx.pool.query<WrittenRow>(
    `SELECT row_number AS row, record_id::int AS "recordId", effect, before FROM rowmill.row_results
    WHERE batch_id = $1 AND effect IN ('created', 'updated') ORDER BY row_number DESC`,
    [batchId],
  );
  const outcomes: Record<number, UndoOutcome> = {};
  for (const row of rows) {
    const [outcome] = await inTransaction(
      ctx,
      async (tx) => (await builtInNamed(batch.target).undo?.(tx, batch, [row])) ?? [],
    );
    if (outcome) outcomes[row.row] = outcome;
  }
  return outcomes;
}

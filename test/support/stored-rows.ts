/** Uploads whose rows no CSV could have, such as cells with NUL. */
import type { ChunkWork } from "../../src/batches/batch-jobs.ts";
import { Later } from "../../src/platform/queue/later.ts";
import type { BatchMode } from "../../src/schema/batches.ts";
import { deliverChunk } from "./batches.ts";
import type { Client } from "./client.ts";
import { receive } from "./imports.ts";
import type { Rowmill } from "./rowmill.ts";

export interface StoredRow {
  readonly fields: readonly string[];
  readonly problem: string | null;
}

export async function uploadRows(
  { ctx }: Rowmill,
  user: Client,
  rows: readonly StoredRow[],
  { mode, target, header }: { mode: BatchMode; target: string; header: string },
): Promise<string> {
  const cells = header.split(",").map((_, column) => (column === 0 ? "" : "x"));
  const lines = rows.map((_, index) => `${index}${cells.join(",")}`).join("\n");
  const batch = await receive(user, `${header}\n${lines}\n`, mode, target);
  await ctx.pool.query(
    `UPDATE rowmill.batch_rows SET fields = given.fields::json, problem = given.problem
    FROM unnest($2::int[], $3::text[], $4::text[]) AS given (row_number, fields, problem)
    WHERE batch_id = $1 AND batch_rows.row_number = given.row_number`,
    [
      batch,
      rows.map((_, index) => index + 2),
      rows.map(({ fields }) => JSON.stringify(fields)),
      rows.map(({ problem }) => problem),
    ],
  );
  return batch;
}

/** The rows of a chunk whose size is unknown are read and checked one by one. */
export const forgetSizes = ({ ctx }: Rowmill, batch: string) =>
  ctx.pool.query("UPDATE rowmill.chunks SET bytes = NULL WHERE batch_id = $1", [batch]);

/**
 * @param order the first rows of chunks
 * @returns the number of rows that were written before any row was read for itself
 */
export async function deliver({ ctx }: Rowmill, batch: string, order: readonly number[]): Promise<number> {
  let plain = 0;
  for (const firstRow of order) {
    let settled = await deliverChunk(ctx, batch, firstRow);
    // On a busy machine, a chunk may need several turns.
    while (settled instanceof Later)
      settled = await deliverChunk(ctx, batch, firstRow, settled.payload as ChunkWork);
    plain += (settled as { plain?: number }).plain ?? 0;
  }
  return plain;
}

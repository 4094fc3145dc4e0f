/** Ends a batch in the state that its rows have led to. Requires the lock on the batch. */
import { sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import { plural } from "../../platform/plural.ts";
import { endBatch } from "../transitions.ts";
import { forgetChecked } from "./chunk-counts.ts";
import { errorLimit } from "./error-limit.ts";

interface EndingBatch {
  readonly isDryRun: boolean;
  readonly totalRows: number;
}

/**
 * Ends a batch of which every row has a result.
 * @param knownFailed the number of its failed rows; absent: they are counted
 */
export async function finishBatch(
  tx: Tx,
  batchId: string,
  { isDryRun, totalRows }: EndingBatch,
  knownFailed?: number,
): Promise<boolean> {
  const failed = knownFailed ?? (await countFailedRows(tx, batchId));
  if (isDryRun) {
    await forgetChecked(tx, batchId);
    const reason = failed === 0 ? null : `${failed} of ${totalRows} rows would fail.`;
    return endBatch(tx, batchId, "validate", reason);
  }
  return failed === 0
    ? endBatch(tx, batchId, "complete", null)
    : endBatch(tx, batchId, "completeWithErrors", `${plural(failed, "row")} failed.`);
}

/** @returns whether the batch has ended because too many of its rows have failed (`max_errors`) */
export async function endAtErrorLimit(
  tx: Tx,
  batchId: string,
  batch: EndingBatch & { readonly maxErrors: string | null },
): Promise<boolean> {
  // A dry run checks all rows.
  if (batch.maxErrors === null || batch.isDryRun) return false;
  const failed = await countFailedRows(tx, batchId);
  if (failed < errorLimit(batch.maxErrors, batch.totalRows)) return false;
  const reason = `Stopped at ${failed} failed rows: max_errors is ${batch.maxErrors}.`;
  return endBatch(tx, batchId, "fail", reason);
}

/** A separate statement: its snapshot includes the chunks that committed while this one waited for the lock. */
async function countFailedRows(tx: Tx, batchId: string): Promise<number> {
  const { rows } = await tx.db.execute<{ failed: number }>(
    sql`SELECT coalesce(sum(failed), 0)::int AS failed FROM rowmill.chunks WHERE batch_id = ${batchId}`,
  );
  return rows[0]?.failed ?? 0;
}

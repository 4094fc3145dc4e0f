/** Passes rows to a row target, `concurrency` rows at a time. */
import pLimit from "p-limit";
import type { Context } from "../../context.ts";
import { Permanent, Retryable } from "../../errors.ts";
import { created, failed, retry } from "../../targets/outcomes.ts";
import type { Columns, Outcome, RowTarget, TargetBatch, TargetRow } from "../../targets/target.ts";
import { rowIdOf } from "../ids.ts";
import type { RowOutcome } from "./store-results.ts";

export interface RowsAttempt {
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** Aborts when the rows must be given up. */
  readonly signal: AbortSignal;
}

/**
 * @returns the outcomes in the order of the rows. After the signal aborts, no further row is started, and rows that end
 * because of it have no outcome.
 */
export async function handleRows<C extends Columns>(
  ctx: Context,
  target: RowTarget<C>,
  batch: TargetBatch,
  rows: readonly TargetRow<C>[],
  { attempt, signal }: RowsAttempt,
): Promise<RowOutcome[]> {
  const limit = pLimit(Math.max(1, target.concurrency));
  const outcomes = await limit.map(rows, async (row) => {
    if (signal.aborted) return undefined;
    const rowId = rowIdOf(batch.id, row.row);
    try {
      return created(await target.handle(ctx, batch, row, { rowId, attempt, signal }));
    } catch (error) {
      return outcomeOf(error, signal);
    }
  });
  return rows.flatMap(({ row }, index) => {
    const outcome = outcomes[index];
    return outcome ? [{ row, outcome }] : [];
  });
}

/** Undefined: the row was given up because of the signal. */
function outcomeOf(error: unknown, signal: AbortSignal): Outcome | undefined {
  if (error instanceof Permanent) return failed(error.code, error.message, error.column);
  if (error instanceof Retryable) return retry(error.code, error.message, error.afterSeconds);
  if (signal.aborted) return undefined;
  return retry("target_error", error instanceof Error ? error.message : String(error));
}

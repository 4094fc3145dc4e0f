/** Hands rows one by one to a row-wise target, some side by side. */
import type { Context } from "../../context.ts";
import { Permanent, Retryable } from "../../errors.ts";
import type { Columns, Outcome, RowTarget, TargetBatch, TargetRow } from "../../targets/target.ts";
import { rowIdOf } from "../ids.ts";
import { failed } from "./outcomes.ts";
import type { RowOutcome } from "./store-results.ts";

/** How often the rows have been tried, this time included, and when to stop. */
export interface RowsAttempt {
  readonly attempt: number;
  readonly signal: AbortSignal;
}

/**
 * @returns an outcome for each row that was done, in their order. Once the signal aborts no row is begun, and those
 * that give up because of it have none.
 */
export async function handleRows<C extends Columns>(
  ctx: Context,
  target: RowTarget<C>,
  batch: TargetBatch,
  rows: readonly TargetRow<C>[],
  { attempt, signal }: RowsAttempt,
): Promise<RowOutcome[]> {
  const outcomes: (Outcome | undefined)[] = [];
  // One iterator for all: each lane takes the next row that no other has taken.
  const open = rows.entries();
  const lane = async () => {
    for (const [index, row] of open) {
      if (signal.aborted) return;
      const rowId = rowIdOf(batch.id, row.row);
      try {
        const recordId = await target.handle(ctx, batch, row, { rowId, attempt, signal });
        outcomes[index] = { kind: "success", recordId, effect: "created" };
      } catch (error) {
        outcomes[index] = outcomeOf(error, signal);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, target.concurrency) }, lane));
  return rows.flatMap(({ row }, index) => {
    const outcome = outcomes[index];
    return outcome ? [{ row, outcome }] : [];
  });
}

function outcomeOf(error: unknown, signal: AbortSignal): Outcome | undefined {
  if (error instanceof Permanent) return failed(error.code, error.message, error.column);
  if (error instanceof Retryable) {
    const { afterSeconds, code, message } = error;
    const reason = { column: null, code, message };
    return { kind: "retry", reason, ...(afterSeconds === undefined ? {} : { afterSeconds }) };
  }
  if (signal.aborted) return undefined;
  const message = error instanceof Error ? error.message : String(error);
  return { kind: "retry", reason: { column: null, code: "target_error", message } };
}

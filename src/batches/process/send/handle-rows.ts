/** Passes rows to a row target, `concurrency` rows at a time. */
import pLimit from "p-limit";
import type { Context } from "../../../context.ts";
import { MustPause, MustWait, Permanent, Retryable } from "../../../errors.ts";
import { created, failed, retry } from "../../../targets/outcomes.ts";
import type { Columns, Outcome, RowTarget, TargetBatch, TargetRow } from "../../../targets/target.ts";
import { rowIdOf } from "../../ids.ts";
import { pauseByRowmill } from "../../settle/pause-by-rowmill.ts";
import type { RowOutcome } from "../../settle/store-results.ts";

export interface RowsAttempt {
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** Aborts when the rows must be given up. */
  readonly signal: AbortSignal;
  /** When to start no further row, by `performance.now()`. At least one row starts. Absent: never. */
  readonly until?: number;
}

/**
 * @returns the outcomes in the order of the rows. No further row is started after the signal aborts, the time is over, or a
 * row must wait together with all others; rows that end because of the signal have no outcome. A row that pauses the batch has none, either.
 */
export async function handleRows<V>(
  ctx: Context,
  target: RowTarget<Columns, V>,
  batch: TargetBatch,
  rows: readonly TargetRow<V>[],
  { attempt, signal, until = Number.POSITIVE_INFINITY }: RowsAttempt,
): Promise<RowOutcome[]> {
  const limit = pLimit(Math.max(1, target.concurrency));
  let allWait = false;
  let mustPause: MustPause | undefined;
  const outcomes = await limit.map(rows, async (row, index) => {
    if (signal.aborted || allWait || mustPause || (index > 0 && performance.now() > until)) return undefined;
    const rowId = rowIdOf(batch.id, row.row);
    try {
      const handling = (ended: AbortSignal) =>
        target.handle(ctx, batch, row, { rowId, attempt, signal: ended });
      return created(await withinTime(ctx.config.rowTimeoutSeconds, signal, handling));
    } catch (error) {
      if (error instanceof MustWait && error.isForAll) allWait = true;
      if (error instanceof MustPause) {
        mustPause = error;
        return undefined;
      }
      return outcomeOf(error, signal);
    }
  });
  // At once, because the rows that have ended are stored all the same.
  if (mustPause) await pauseByRowmill(ctx, batch.id, mustPause.message);
  return rows.flatMap(({ row }, index) => {
    const outcome = outcomes[index];
    return outcome ? [{ row, outcome }] : [];
  });
}

/** Gives up work that takes longer, also if it ignores its signal. @throws Retryable `row_timed_out` */
async function withinTime<T>(
  seconds: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const timedOut = new AbortController();
  const ended = AbortSignal.any([signal, timedOut.signal]);
  const { promise: gaveUp, reject } = Promise.withResolvers<never>();
  ended.addEventListener("abort", () => reject(ended.reason), { once: true });
  const message = `The target took longer than ${seconds} s for the row (ROW_TIMEOUT_SECONDS).`;
  const timer = setTimeout(() => timedOut.abort(new Retryable("row_timed_out", message)), seconds * 1000);
  try {
    return await Promise.race([work(ended), gaveUp]);
  } finally {
    clearTimeout(timer);
  }
}

/** Undefined: the row was given up because of the signal. */
function outcomeOf(error: unknown, signal: AbortSignal): Outcome | undefined {
  if (error instanceof Permanent) return failed(error.code, error.message, error.column);
  if (error instanceof Retryable) return retry(error.code, error.message, error.afterSeconds);
  if (error instanceof MustWait) {
    const { code, message, afterSeconds, isForAll } = error;
    return { kind: "wait", reason: { column: null, code, message }, afterSeconds, isForAll };
  }
  if (signal.aborted) return undefined;
  return retry("target_error", error instanceof Error ? error.message : String(error));
}

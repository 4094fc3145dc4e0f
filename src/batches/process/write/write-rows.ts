import type { Tx } from "../../../context.ts";
import { underSavepoint } from "../../../platform/postgres/database.ts";
import type { Outcome } from "../../../targets/target.ts";
import { classifyError } from "./classify-error.ts";

/**
 * Writes all rows at once. If that fails, it writes each half separately, until the rows that cause the failure are
 * isolated. One bad row among n costs about 2 log2(n) additional statements.
 * @param write throws if it cannot write every row of the slice
 * @param resultOf makes the result of a row that could not be written
 * @param signal stops further writes when it aborts
 * @returns one result per row, in the order of the rows
 * @throws the exception of `write` if the transaction is lost, or the reason of the signal
 */
export async function writeRows<Row, Result>(
  tx: Tx,
  rows: readonly Row[],
  write: (rows: readonly Row[]) => Promise<Result[]>,
  resultOf: (outcome: Outcome) => Result,
  signal?: AbortSignal,
): Promise<Result[]> {
  if (rows.length === 0) return [];
  signal?.throwIfAborted();
  try {
    return await underSavepoint(tx, () => write(rows));
  } catch (error) {
    const failure = classifyError(error);
    if (failure.kind === "fatal") throw error;
    if (rows.length === 1) {
      if (failure.kind === "slow") throw error;
      return [resultOf(failure.outcome)];
    }
    const middle = rows.length >> 1;
    return [
      ...(await writeRows(tx, rows.slice(0, middle), write, resultOf, signal)),
      ...(await writeRows(tx, rows.slice(middle), write, resultOf, signal)),
    ];
  }
}

import type { Tx } from "../../context.ts";
import { underSavepoint } from "../../platform/postgres/database.ts";
import type { Outcome } from "../../targets/target.ts";
import { classify } from "./outcomes.ts";

/**
 * Writes all rows at once; where that fails, each half by itself, until the rows that are the cause stand alone.
 * One bad row among n costs about 2 log2(n) statements more.
 * @param write throws where it can't write every row it is given
 * @param refused what a row comes to that can't be written
 * @param signal nothing more is written once it aborts
 * @returns a result for each row, in their order
 * @throws what `write` threw where the transaction is lost, or the signal's reason
 */
export async function writeRows<Row, Result>(
  tx: Tx,
  rows: readonly Row[],
  write: (rows: readonly Row[]) => Promise<Result[]>,
  refused: (outcome: Outcome) => Result,
  signal?: AbortSignal,
): Promise<Result[]> {
  if (rows.length === 0) return [];
  signal?.throwIfAborted();
  try {
    return await underSavepoint(tx.db, () => write(rows));
  } catch (error) {
    const failure = classify(error);
    if (failure.kind === "fatal") throw error;
    if (failure.kind === "busy" || rows.length === 1) return rows.map(() => refused(failure.outcome));
    const middle = rows.length >> 1;
    return [
      ...(await writeRows(tx, rows.slice(0, middle), write, refused, signal)),
      ...(await writeRows(tx, rows.slice(middle), write, refused, signal)),
    ];
  }
}

import type { Tx } from "../../../context.ts";
import { MustPause } from "../../../errors.ts";
import { postgresError, underSavepoint } from "../../../platform/postgres/database.ts";
import { SQLSTATE } from "../../../platform/sqlstates.ts";
import { classifyError } from "./classify-error.ts";

/** The lock timeout of a statement that must not wait. Shorter than the `deadlock_timeout` of PostgreSQL, so that it ends before a deadlock. */
const GIVE_UP_AFTER = "100ms";

/**
 * Writes rows for which there is another way if this one fails.
 * @param mayWait false: `write` is given up if it has to wait for a lock
 * @returns undefined: nothing was written. The error says nothing about single rows, and the other way finds out if the batch must be paused.
 * @throws the reason of the signal, or the exception if the transaction is lost
 */
export async function tryWrite(
  tx: Tx,
  signal: AbortSignal,
  write: () => Promise<number | undefined>,
  { mayWait = true, onError = (_: unknown) => {} } = {},
): Promise<number | undefined> {
  signal.throwIfAborted();
  try {
    return await underSavepoint(tx, write, mayWait ? undefined : GIVE_UP_AFTER);
  } catch (error) {
    signal.throwIfAborted();
    const hasWaited = !mayWait && postgresError(error)?.code === SQLSTATE.lockNotAvailable;
    const isFatal = classifyError(error).kind === "fatal" && !(error instanceof MustPause);
    if (isFatal && !hasWaited) throw error;
    onError(error);
    return undefined;
  }
}

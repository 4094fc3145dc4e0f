/** Maps exceptions to row outcomes. */
import { MustPause, Permanent, Retryable } from "../../../errors.ts";
import { isDatabaseUnavailable, isLockTrouble, postgresError } from "../../../platform/postgres/database.ts";
import { isServerTrouble, LOCK_TROUBLE, SQLSTATE } from "../../../platform/sqlstates.ts";
import { failed, retry } from "../../../targets/outcomes.ts";
import type { Outcome } from "../../../targets/target.ts";

export type Failure =
  /**
   * The transaction is lost or must release its locks, the database is in trouble, or the batch must be paused. No result is
   * stored; all rows are processed again.
   */
  | { readonly kind: "fatal" }
  /** The statement ran into its time limit. Smaller pieces may not; for a single row this is `fatal`. */
  | { readonly kind: "slow" }
  /** One of the rows is the cause. */
  | { readonly kind: "row"; readonly outcome: Outcome };

/** Classifies an exception that a target's `write` or `undo` threw. */
export function classifyError(error: unknown): Failure {
  if (isDatabaseUnavailable(error) || error instanceof MustPause) return { kind: "fatal" };
  if (error instanceof Permanent)
    return { kind: "row", outcome: failed(error.code, error.message, error.column) };
  if (error instanceof Retryable)
    return { kind: "row", outcome: retry(error.code, error.message, error.afterSeconds) };
  const pgError = postgresError(error);
  const sqlState = pgError?.code ?? "";
  if (isLockTrouble(error)) return { kind: sqlState === SQLSTATE.queryCanceled ? "slow" : "fatal" };
  // After `inFailedTransaction`, an earlier statement failed and the target caught the error, which says nothing about the rows.
  if (sqlState === SQLSTATE.inFailedTransaction || isServerTrouble(sqlState)) return { kind: "fatal" };
  const message = pgError?.message ?? (error instanceof Error ? error.message : String(error));
  // Only a function raises such a code from here: for a row that should be tried again.
  if (LOCK_TROUBLE.has(sqlState)) return { kind: "row", outcome: retry("database_conflict", message) };
  if (sqlState === SQLSTATE.uniqueViolation) {
    const duplicate = `A record with the same key already exists (${pgError?.constraint}).`;
    return { kind: "row", outcome: failed("duplicate", duplicate) };
  }
  const code = pgError ? `database_${sqlState}` : "target_error";
  return { kind: "row", outcome: failed(code, message, pgError?.column ?? null) };
}

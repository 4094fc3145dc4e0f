/** Maps exceptions to row outcomes. */
import { isDatabaseUnavailable, isLockTrouble, postgresError } from "../../platform/postgres/database.ts";
import { LOCK_TROUBLE, SQLSTATE } from "../../platform/sqlstates.ts";
import { failed, retry } from "../../targets/outcomes.ts";
import type { Outcome } from "../../targets/target.ts";

export type Failure =
  /** The transaction is lost, or must release its locks. No result can be stored; all rows are processed again. */
  | { readonly kind: "fatal" }
  /** The statement ran into its time limit. Smaller pieces may not; for a single row this is `fatal`. */
  | { readonly kind: "slow" }
  /** The database is busy. Writing in smaller pieces would only wait longer, so all rows are retried later. */
  | { readonly kind: "busy"; readonly outcome: Outcome }
  /** One of the rows is the cause. */
  | { readonly kind: "row"; readonly outcome: Outcome };

const BUSY: ReadonlySet<string> = new Set([
  SQLSTATE.insufficientResources,
  SQLSTATE.diskFull,
  SQLSTATE.outOfMemory,
  SQLSTATE.configurationLimitExceeded,
]);

/** Classifies an exception that a target's `write` or `undo` threw. */
export function classifyError(error: unknown): Failure {
  if (isDatabaseUnavailable(error)) return { kind: "fatal" };
  const pgError = postgresError(error);
  const sqlState = pgError?.code ?? "";
  if (isLockTrouble(error)) return { kind: sqlState === SQLSTATE.queryCanceled ? "slow" : "fatal" };
  const message = pgError?.message ?? (error instanceof Error ? error.message : String(error));
  // An earlier statement failed and the target caught the error, which says nothing about the rows.
  if (sqlState === SQLSTATE.inFailedTransaction) return { kind: "fatal" };
  if (BUSY.has(sqlState)) return { kind: "busy", outcome: retry("database_busy", message) };
  // Only a function raises such a code from here: for a row that should be tried again.
  if (LOCK_TROUBLE.has(sqlState)) return { kind: "row", outcome: retry("database_conflict", message) };
  if (sqlState === SQLSTATE.uniqueViolation) {
    const duplicate = `A record with the same key already exists (${pgError?.constraint}).`;
    return { kind: "row", outcome: failed("duplicate", duplicate) };
  }
  const code = pgError ? `database_${sqlState}` : "target_error";
  return { kind: "row", outcome: failed(code, message, pgError?.column ?? null) };
}

/** Maps exceptions to row outcomes. */
import { isDatabaseUnavailable, postgresError } from "../../platform/postgres/database.ts";
import { isLockTrouble, isServerTrouble, SQLSTATE } from "../../platform/sqlstates.ts";
import { failed, lockTrouble, retry } from "../../targets/outcomes.ts";
import type { Outcome } from "../../targets/target.ts";

export type Failure =
  /** The transaction is lost or the database is in trouble. No result is stored; the job is delivered again. */
  | { readonly kind: "fatal" }
  /** The database is busy. Writing in smaller pieces would only wait longer, so all rows are retried later. */
  | { readonly kind: "busy"; readonly outcome: Outcome }
  /** One of the rows is the cause. */
  | { readonly kind: "row"; readonly outcome: Outcome };

/** Classifies an exception that a target's `write` or `undo` threw. */
export function classifyError(error: unknown): Failure {
  if (isDatabaseUnavailable(error)) return { kind: "fatal" };
  const pgError = postgresError(error);
  const sqlState = pgError?.code ?? "";
  const message = pgError?.message ?? (error instanceof Error ? error.message : String(error));
  // An earlier statement failed and the target caught the error, which says nothing about the rows.
  if (sqlState === SQLSTATE.inFailedTransaction || isServerTrouble(sqlState)) return { kind: "fatal" };
  if (sqlState === SQLSTATE.lockNotAvailable)
    return { kind: "busy", outcome: lockTrouble("database_busy", message) };
  if (sqlState === SQLSTATE.queryCanceled) return { kind: "row", outcome: retry("database_busy", message) };
  if (isLockTrouble(sqlState)) return { kind: "row", outcome: lockTrouble("database_conflict", message) };
  if (sqlState === SQLSTATE.uniqueViolation) {
    const duplicate = `A record with the same key already exists (${pgError?.constraint}).`;
    return { kind: "row", outcome: failed("duplicate", duplicate) };
  }
  const code = pgError ? `database_${sqlState}` : "target_error";
  return { kind: "row", outcome: failed(code, message, pgError?.column ?? null) };
}

/** How an exception becomes what came of a row. */
import { isDatabaseUnavailable, postgresError } from "../../platform/postgres/database.ts";
import { SQLSTATE } from "../../platform/sqlstates.ts";
import type { Outcome } from "../../targets/target.ts";

export function failed(code: string, message: string, column: string | null = null): Outcome {
  return { kind: "failed", errors: [{ column, code, message }] };
}

export type Failure =
  /** The transaction is gone: nothing can be recorded, the whole chunk is delivered again. */
  | { readonly kind: "fatal" }
  /** Waiting in smaller pieces would only wait longer: all rows concerned are tried again later. */
  | { readonly kind: "busy"; readonly outcome: Outcome }
  /** Some row among those written is the cause. */
  | { readonly kind: "row"; readonly outcome: Outcome };

const BUSY: ReadonlySet<string> = new Set([
  SQLSTATE.lockNotAvailable,
  SQLSTATE.queryCanceled,
  SQLSTATE.insufficientResources,
  SQLSTATE.diskFull,
  SQLSTATE.outOfMemory,
  SQLSTATE.configurationLimitExceeded,
]);
const CONFLICT_WITH_ANOTHER_TRANSACTION: ReadonlySet<string> = new Set([
  SQLSTATE.serializationFailure,
  SQLSTATE.deadlockDetected,
]);

/** Classifies what a target's `write` threw. */
export function classify(error: unknown): Failure {
  if (isDatabaseUnavailable(error)) return { kind: "fatal" };
  const known = postgresError(error);
  const code = known?.code ?? "";
  const message = known?.message ?? (error instanceof Error ? error.message : String(error));
  const retry = (name: string): Outcome => ({ kind: "retry", reason: { column: null, code: name, message } });
  // The transaction was aborted under us, which says nothing of the rows.
  if (code === SQLSTATE.inFailedTransaction) return { kind: "fatal" };
  if (BUSY.has(code)) return { kind: "busy", outcome: retry("database_busy") };
  if (CONFLICT_WITH_ANOTHER_TRANSACTION.has(code))
    return { kind: "row", outcome: retry("database_conflict") };
  if (code === SQLSTATE.uniqueViolation) {
    return {
      kind: "row",
      outcome: failed("duplicate", `A record with the same key exists (${known?.constraint}).`),
    };
  }
  const name = known ? `database_${code}` : "target_error";
  return { kind: "row", outcome: failed(name, message, known?.column ?? null) };
}

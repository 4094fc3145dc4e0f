/** How an exception becomes what came of a row. */
import { isDatabaseUnavailable, postgresError } from "../../platform/postgres/database.ts";
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

// https://www.postgresql.org/docs/current/errcodes-appendix.html
const BUSY = new Set(["55P03", "57014", "53000", "53100", "53200", "53400"]);
const CONFLICT_WITH_ANOTHER_TRANSACTION = new Set(["40001", "40P01"]);

/** Classifies what a target's `write` threw. */
export function classify(error: unknown): Failure {
  if (isDatabaseUnavailable(error)) return { kind: "fatal" };
  const known = postgresError(error);
  const code = known?.code ?? "";
  const message = known?.message ?? (error instanceof Error ? error.message : String(error));
  const retry = (name: string): Outcome => ({ kind: "retry", reason: { column: null, code: name, message } });
  // The transaction was aborted under us, which says nothing of the rows.
  if (code === "25P02") return { kind: "fatal" };
  if (BUSY.has(code)) return { kind: "busy", outcome: retry("database_busy") };
  if (CONFLICT_WITH_ANOTHER_TRANSACTION.has(code))
    return { kind: "row", outcome: retry("database_conflict") };
  if (code === "23505") {
    return {
      kind: "row",
      outcome: failed("duplicate", `A record with the same key exists (${known?.constraint}).`),
    };
  }
  const name = known ? `database_${code}` : "target_error";
  return { kind: "row", outcome: failed(name, message, known?.column ?? null) };
}

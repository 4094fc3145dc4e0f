/** Makes the outcomes that targets return for rows. */
import type { Outcome } from "./target.ts";

export function created(recordId: number): Outcome {
  return { kind: "success", recordId, effect: "created" };
}

export function unchanged(recordId: number): Outcome {
  return { kind: "success", recordId, effect: "unchanged" };
}

/** @param column the column at fault; null if the row as a whole is wrong */
export function failed(code: string, message: string, column: string | null = null): Outcome {
  return { kind: "failed", errors: [{ column, code, message }] };
}

/** @param afterSeconds the shortest time to wait; undefined for the usual backoff */
export function retry(code: string, message: string, afterSeconds?: number): Outcome {
  const reason = { column: null, code, message };
  return afterSeconds === undefined ? { kind: "retry", reason } : { kind: "retry", reason, afterSeconds };
}

/** Other transactions were in the way, so the row is retried until it is done, whatever ROW_MAX_RETRIES is. */
export function lockTrouble(code: string, message: string): Outcome {
  return { kind: "retry", reason: { column: null, code, message }, isUnlimited: true };
}

/** What an attempt comes to. An outcome is a value: no catch turns a failure into a success. */
import { DomainError, type ErrorCode, Permanent, Retryable } from "../../errors.ts";
import { describeError } from "../../platform/log.ts";
import type { TaskResult } from "../types/task-type.ts";

/** `failed`: trying again can't mend it. */
export interface Failure {
  readonly kind: "failed" | "retry";
  readonly code: string;
  readonly message: string;
  readonly afterSeconds?: number | undefined;
}

export type Outcome = { readonly kind: "done"; readonly result: TaskResult } | Failure;

/** Verbs throw these for what whoever asks has to mend. */
const MENDABLE: ReadonlySet<ErrorCode> = new Set([
  "invalid_input",
  "forbidden",
  "not_found",
  "too_large",
  "unsupported_media_type",
]);

/** What a type has thrown. */
export function outcomeOf(error: unknown): Outcome {
  const { message } = describeError(error);
  if (error instanceof Permanent) return { kind: "failed", code: error.code, message };
  if (error instanceof Retryable) {
    return { kind: "retry", code: error.code, message, afterSeconds: error.afterSeconds };
  }
  if (error instanceof DomainError && MENDABLE.has(error.code)) {
    return { kind: "failed", code: error.code, message };
  }
  return { kind: "retry", code: "task_error", message };
}

/** Outcomes of attempts. An outcome is a value, so that no catch can turn a failure into a success. */
import { DomainError, type ErrorCode, Permanent, Retryable } from "../../errors.ts";
import { describeError } from "../../platform/log.ts";
import { storableJson } from "../../platform/postgres/storable.ts";
import type { TaskResult } from "../types/task-type.ts";

/** `failed`: another attempt cannot succeed. `retry`: it may. */
export interface Failure {
  readonly kind: "failed" | "retry";
  readonly code: string;
  readonly message: string;
  readonly afterSeconds?: number | undefined;
  /** Whether the next attempt starts exactly then, instead of after the usual backoff at least. */
  readonly isExact?: boolean;
}

export type Outcome = { readonly kind: "done"; readonly result: TaskResult } | Failure;

/** @throws Permanent if the result is no JSON, for example because it refers to itself */
export function successOf(result: TaskResult): Outcome {
  try {
    storableJson(result);
    return { kind: "done", result };
  } catch (cause) {
    const { message } = describeError(cause);
    throw new Permanent("invalid_result", `The result cannot be stored as JSON: ${message}`, { cause });
  }
}

/** Errors of the input of a task, which another attempt would only repeat. */
const INPUT_ERRORS: ReadonlySet<ErrorCode> = new Set([
  "invalid_input",
  "forbidden",
  "not_found",
  "too_large",
  "unsupported_media_type",
]);

/** Maps an exception of a task type to an outcome. Unknown errors are retried. */
export function outcomeOf(error: unknown): Outcome {
  const { message } = describeError(error);
  if (error instanceof Permanent) return { kind: "failed", code: error.code, message };
  if (error instanceof Retryable) {
    const { code, afterSeconds, isExact } = error;
    return { kind: "retry", code, message, afterSeconds, isExact };
  }
  if (error instanceof DomainError && INPUT_ERRORS.has(error.code)) {
    return { kind: "failed", code: error.code, message };
  }
  return { kind: "retry", code: "task_error", message };
}

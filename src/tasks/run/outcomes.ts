/** What an attempt comes to. An outcome is a value: no catch turns a failure into a success. */
import { describeError } from "../../platform/log.ts";
import { Permanent, Retryable, type TaskResult } from "../task-type.ts";

export type Outcome =
  | { readonly kind: "done"; readonly result: TaskResult }
  | { readonly kind: "failed"; readonly code: string; readonly message: string }
  | {
      readonly kind: "retry";
      readonly code: string;
      readonly message: string;
      readonly afterSeconds?: number | undefined;
    };

/** What a type has thrown. */
export function outcomeOf(error: unknown): Outcome {
  const { message } = describeError(error);
  if (error instanceof Permanent) return { kind: "failed", code: error.code, message };
  if (error instanceof Retryable) {
    return { kind: "retry", code: error.code, message, afterSeconds: error.afterSeconds };
  }
  return { kind: "retry", code: "task_error", message };
}

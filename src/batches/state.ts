/** The states of a batch and what leads from one to the next. Every UPDATE of `batches.state` names its edge here. */
import type { BatchState } from "../schema/batches.ts";

export const transitions = {
  accept: { from: "receiving", to: "queued", when: "The whole file is stored and its jobs exist." },
  start: { from: "queued", to: "processing", when: "A worker takes the first chunk." },
  complete: { from: "processing", to: "completed", when: "Every row has a result and none failed." },
  completeWithErrors: {
    from: "processing",
    to: "completed_with_errors",
    when: "Every row has a result and at least one failed.",
  },
} as const satisfies Record<string, { from: BatchState; to: BatchState; when: string }>;

/** States in which the rows of a batch may run. */
export const RUNNABLE_STATES = [transitions.start.from, transitions.start.to] as const;

/** States that a batch does not leave any more. */
export const FINAL_STATES = [transitions.complete.to, transitions.completeWithErrors.to] as const;

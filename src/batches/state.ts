/** The states of a batch and the transitions between them. Every UPDATE of `batches.state` takes one of these edges. */
import { stateMachine, type Transition } from "../platform/state-machine.ts";
import type { BatchState, batches } from "../schema/batches.ts";

type Batch = typeof batches.$inferSelect;

export const transitions = {
  accept: { from: ["receiving"], to: "queued", when: "The whole file is stored, and its jobs are queued." },
  abandon: {
    from: ["receiving"],
    to: "deleting",
    when: "The process that receives the file has given no sign of life for two minutes, and Rowmill removes what is stored.",
  },
  start: { from: ["queued"], to: "processing", when: "A worker starts the first rows." },
  pause: {
    from: ["queued", "processing"],
    to: "paused",
    when: "The owner pauses the batch, or Rowmill does because no row can succeed now, and workers take no more rows.",
  },
  resume: { from: ["paused"], to: "queued", when: "The owner resumes the batch." },
  cancel: {
    from: ["queued", "processing", "paused", "validated"],
    to: "cancelled",
    when: "The owner cancels the batch; committed rows keep their results, and the others become `unprocessed`.",
  },
  validate: {
    from: ["processing"],
    to: "validated",
    when: "The dry run has checked every row and written no record.",
  },
  commit: { from: ["validated"], to: "queued", when: "The owner commits the dry run." },
  complete: { from: ["processing"], to: "completed", when: "Every row has succeeded." },
  completeWithErrors: {
    from: ["processing"],
    to: "completed_with_errors",
    when: "Every row has a result, and at least one has failed.",
  },
  fail: {
    from: ["processing"],
    to: "failed",
    when: "A row of an atomic batch has failed, the failed rows have reached `max_errors`, or an atomic batch could not be processed.",
  },
  retry: {
    from: ["completed_with_errors", "failed", "cancelled", "validated"],
    to: "queued",
    when: "The owner retries failed or unprocessed rows.",
  },
  undo: {
    from: ["completed", "completed_with_errors", "failed", "cancelled", "undone"],
    to: "undoing",
    when: "The owner undoes the batch, or once more the records that the first undo kept.",
  },
  finishUndo: { from: ["undoing"], to: "undone", when: "Every record was reverted, or kept with a reason." },
  delete: {
    from: ["validated", "completed", "completed_with_errors", "failed", "cancelled", "undone"],
    to: "deleting",
    when: "The owner deletes the batch, which is hidden at once and removed after its rows.",
  },
} as const satisfies Record<string, Transition<BatchState>>;

export type Edge = keyof typeof transitions;

export const { allows, requireEdge } = stateMachine<BatchState, Edge>("batch", transitions);

/** States in which workers may process rows of the batch. */
export const RUNNABLE_STATES = [transitions.start.from[0], transitions.start.to] as const;

/** States in which rows of the batch are processed now or after it is resumed. */
export const MAY_RUN_STATES = [...RUNNABLE_STATES, transitions.pause.to] as const;

/** States that the batch leaves only if its owner sends a command. */
export const ENDED_STATES = transitions.delete.from;

export function hasEnded(state: BatchState): boolean {
  return ENDED_STATES.some((ended) => ended === state);
}

/**
 * The ended states in which workers still store the outcomes of rows that they were processing, if these have effects outside of the
 * database: no transaction rolls those back.
 */
export const ACCEPT_LATE = [transitions.cancel.to, transitions.fail.to] as const;

/** Whether rows without a result count as unprocessed in this state. */
export function leavesUnprocessed(state: BatchState): boolean {
  return (hasEnded(state) && state !== "validated") || state === "undoing";
}

/** Whether the records of the batch are written at its end or never, so that its chunks count rows without a result. */
export function isWhole({ isDryRun, policy }: Pick<Batch, "isDryRun" | "policy">): boolean {
  return isDryRun || policy === "atomic";
}

/** Whether one job processes the whole batch in one transaction. A dry run that a service checks has a job per chunk. */
export function isOneJob(batch: Pick<Batch, "isDryRun" | "policy" | "targetTraits">): boolean {
  return isWhole(batch) && !(batch.isDryRun && batch.targetTraits?.sendsDryRuns === true);
}

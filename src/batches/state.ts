/** The states of a batch and what leads from one to the next. Every UPDATE of `batches.state` names its edge here. */

import { stateMachine, type Transition } from "../platform/state-machine.ts";
import type { BatchState } from "../schema/batches.ts";
import type { StoredBatch } from "./queries.ts";

export const transitions = {
  accept: { from: ["receiving"], to: "queued", when: "The whole file is stored and its jobs exist." },
  start: { from: ["queued"], to: "processing", when: "A worker takes the first rows." },
  pause: {
    from: ["queued", "processing"],
    to: "paused",
    when: "Its owner holds it: no row is taken any more.",
  },
  resume: { from: ["paused"], to: "queued", when: "Its owner lets it go on." },
  cancel: {
    from: ["queued", "processing", "paused", "validated"],
    to: "cancelled",
    when: "Its owner ends it: what was committed stays, the other rows are unprocessed.",
  },
  validate: {
    from: ["processing"],
    to: "validated",
    when: "The dry run has checked every row, and no record is written.",
  },
  commit: { from: ["validated"], to: "queued", when: "Its owner wants what the dry run has shown." },
  complete: { from: ["processing"], to: "completed", when: "Every row has a result and none failed." },
  completeWithErrors: {
    from: ["processing"],
    to: "completed_with_errors",
    when: "Every row has a result and at least one failed.",
  },
  fail: {
    from: ["processing"],
    to: "failed",
    when: "Its policy ends it: a row of an atomic batch failed, or as many as `max_errors` allows.",
  },
  retry: {
    from: ["completed_with_errors", "failed", "cancelled", "validated"],
    to: "queued",
    when: "Its owner wants rows tried again that failed or were left.",
  },
  undo: {
    from: ["completed", "completed_with_errors", "failed", "cancelled"],
    to: "undoing",
    when: "Its owner wants its records put back as they were.",
  },
  finishUndo: { from: ["undoing"], to: "undone", when: "Every record was put back, or kept with a reason." },
  delete: {
    from: ["validated", "completed", "completed_with_errors", "failed", "cancelled", "undone"],
    to: "deleting",
    when: "Its owner has no use for it any more; it is not shown, and gone when all of its rows are.",
  },
} as const satisfies Record<string, Transition<BatchState>>;

export type Edge = keyof typeof transitions;

export const { requireEdge } = stateMachine<BatchState, Edge>("batch", transitions);

/** States in which the rows of a batch may run. */
export const RUNNABLE_STATES = [transitions.start.from[0], transitions.start.to] as const;

/** States in which its rows run or will. */
export const MAY_RUN_STATES = [...RUNNABLE_STATES, transitions.pause.to] as const;

/** States in which nothing works on a batch and nothing will unless its owner asks for it. */
export const ENDED_STATES = transitions.delete.from;

export function hasEnded(state: BatchState): boolean {
  return ENDED_STATES.some((ended) => ended === state);
}

/** Whether rows without a result stay without one. */
export function leavesRows(state: BatchState): boolean {
  return (hasEnded(state) && state !== "validated") || state === "undoing";
}

/** Whether all of it is written in one transaction, so that until its end nothing of it is certain. */
export function isWhole({ isDryRun, policy }: Pick<StoredBatch, "isDryRun" | "policy">): boolean {
  return isDryRun || policy === "atomic";
}

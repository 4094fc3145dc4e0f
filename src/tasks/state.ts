/** The states of a task and what leads from one to the next. Every UPDATE of `tasks.status` names its edge here. */

import { stateMachine, type Transition } from "../platform/state-machine.ts";
import { OPEN_TASK_STATUSES, type TaskEventType, type TaskStatus } from "../schema/tasks.ts";

interface TaskTransition extends Transition<TaskStatus> {
  /** The type of the event that records it in the audit trail. */
  readonly event: TaskEventType;
}

export const transitions = {
  start: { from: ["pending"], to: "processing", event: "started", when: "A worker takes it." },
  resume: {
    from: ["processing"],
    to: "processing",
    event: "started",
    when: "The worker that had it was lost or stopped; another takes it up.",
  },
  complete: {
    from: ["processing"],
    to: "completed",
    event: "completed",
    when: "It is done and has its result.",
  },
  retryLater: {
    from: ["processing"],
    to: "pending",
    event: "retrying",
    when: "It failed for a reason that may pass, and waits for its next attempt.",
  },
  fail: {
    from: ["processing"],
    to: "failed",
    event: "failed",
    when: "Trying again can't mend it, or it was tried as often as `max_retries` allows.",
  },
  giveUp: {
    from: ["pending", "processing"],
    to: "failed",
    event: "failed",
    when: "Every worker that took it was lost: it is not tried again by itself.",
  },
  cancel: {
    from: OPEN_TASK_STATUSES,
    to: "cancelled",
    event: "cancelled",
    when: "Its owner ends it, or the task that it waits for did not complete.",
  },
  retry: {
    from: ["failed", "cancelled"],
    to: "pending",
    event: "retrying",
    when: "Its owner wants it tried again.",
  },
  forceRetry: {
    from: ["completed"],
    to: "pending",
    event: "retrying",
    when: "Its owner wants it done once more (`force`).",
  },
} as const satisfies Record<string, TaskTransition>;

export type Edge = keyof typeof transitions;

export const { allows, requireEdge } = stateMachine<TaskStatus, Edge>("task", transitions);

/** States in which nothing works on a task and nothing will unless its owner asks for it. */
export const ENDED_STATUSES = ["completed", "failed", "cancelled"] as const satisfies TaskStatus[];

export function hasEnded(status: TaskStatus): boolean {
  return ENDED_STATUSES.some((ended) => ended === status);
}

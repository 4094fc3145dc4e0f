/** The states of a task and the transitions between them. Every UPDATE of `tasks.status` uses one of them. */
import type { Kind } from "../announcements/kinds.ts";
import { stateMachine, type Transition } from "../platform/state-machine.ts";
import { OPEN_TASK_STATUSES, type TaskEventType, type TaskStatus } from "../schema/tasks.ts";

export interface TaskTransition extends Transition<TaskStatus> {
  /** The type of the event in the history of the task. */
  readonly event: TaskEventType;
  /** The announcement to the owner of the task. Such an edge changes one task. */
  readonly announces?: Kind;
}

export const transitions = {
  start: { from: ["pending"], to: "processing", event: "started", when: "A worker takes the task." },
  resume: {
    from: ["processing"],
    to: "processing",
    event: "started",
    when: "The worker of the task was lost or stopped, and another worker takes the task.",
  },
  handBack: {
    from: ["processing"],
    to: "pending",
    event: "queued",
    when: "Other tasks of the same worker take too long, and the attempt has done nothing yet.",
  },
  complete: {
    from: ["processing"],
    to: "completed",
    event: "completed",
    announces: "task.completed",
    when: "The attempt succeeds.",
  },
  retryLater: {
    from: ["processing"],
    to: "pending",
    event: "retrying",
    when: "The attempt fails for a temporary reason, and `max_retries` allows another attempt.",
  },
  fail: {
    from: ["processing"],
    to: "failed",
    event: "failed",
    announces: "task.failed",
    when: "The attempt fails for a permanent reason, or `max_retries` allows no further attempt.",
  },
  giveUp: {
    from: ["pending", "processing"],
    to: "failed",
    event: "failed",
    announces: "task.failed",
    when: "Every worker that took the task was lost, and Rowmill does not retry it automatically.",
  },
  cancel: {
    from: OPEN_TASK_STATUSES,
    to: "cancelled",
    event: "cancelled",
    when: "A user cancels the task, or the task that it waits for does not complete.",
  },
  retry: {
    from: ["failed", "cancelled"],
    to: "pending",
    event: "retrying",
    when: "A user retries the task.",
  },
  forceRetry: {
    from: ["completed"],
    to: "pending",
    event: "retrying",
    when: "A user retries the completed task with `force`.",
  },
} as const satisfies Record<string, TaskTransition>;

export type Edge = keyof typeof transitions;

export const { allows, requireEdge } = stateMachine<TaskStatus, Edge>("task", transitions);

/** A task in one of these states changes only if a user retries it. */
export const ENDED_STATUSES = ["completed", "failed", "cancelled"] as const satisfies TaskStatus[];

export function hasEnded(status: TaskStatus): boolean {
  return ENDED_STATUSES.some((ended) => ended === status);
}

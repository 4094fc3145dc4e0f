import Type, { type Static } from "typebox";
import { MapOf, NullableMoment, nullable, Uuid } from "../platform/http/schemas.ts";
import type { FoundJob } from "../platform/queue/queue-reads.ts";
import type { Task } from "../tasks/transitions.ts";
import type { JobResult } from "./find-job.ts";
import { queueOfJob } from "./queries.ts";
import { QueueNameSchema } from "./views.ts";

const STATES = ["waiting", "scheduled", "active", "completed", "failed", "cancelled"] as const;
type State = (typeof STATES)[number];

/** A task that continues carries the state of its work. */
const MAX_PAYLOAD_LENGTH = 2 ** 16;

export const JobResultView = Type.Object({
  id: { ...Uuid, description: "The id of the job." },
  job: nullable(
    Type.String({ examples: ["task.default"] }),
    "The kind of job. null: the queue has removed the job.",
  ),
  queue: nullable(QueueNameSchema, "The queue of the job. null: the queue has removed the job."),
  payload: nullable(
    MapOf(Type.Unknown()),
    "The ids that the worker gets. null for users, if the queue has removed the job, and if it is longer than 64 kB.",
  ),
  state: Type.Enum([...STATES], {
    description:
      "waiting: a worker may take it. scheduled: it is due later. completed: for a task, only if the task is completed.",
  }),
  task_id: nullable(Uuid, "The task of the job."),
  batch_id: nullable(Uuid, "The batch of the job."),
  attempts: Type.Integer({ description: "How often a worker has started it." }),
  result: nullable(
    MapOf(Type.Unknown()),
    "The result of the task, or the numbers that the job has returned.",
  ),
  error: nullable(
    Type.Object({
      code: nullable(Type.String({ examples: ["task_error"] }), "The code of the error."),
      message: Type.String({ description: "A sentence for people.", examples: ["The picture is damaged."] }),
      stack: nullable(
        Type.String({
          examples: ["Permanent (damaged)\\n    at open (src/tasks/types/document/read-pdf.ts:106:11)"],
        }),
        "The lines of code that failed in the latest attempt. Only for operators and administrators.",
      ),
    }),
    "Why it has failed, or why its latest attempt has. null: no attempt has failed.",
  ),
  created_at: NullableMoment("When the job was created."),
  due_at: NullableMoment("When a worker may take it."),
  started_at: NullableMoment("When its latest attempt started."),
  ended_at: NullableMoment("When it ended."),
});

export type JobResultView = Static<typeof JobResultView>;

export function viewJobResult(
  { id, job, task, taskId, batchId, payload, stack }: JobResult,
  now: Date,
): JobResultView {
  const view = task ? ofTask(task, now) : ofJob(job, now);
  const error = view.error && { ...view.error, stack };
  const queue = job ? (queueOfJob.get(job.job) ?? null) : null;
  const shown = JSON.stringify(payload).length <= MAX_PAYLOAD_LENGTH ? payload : null;
  return {
    id,
    job: job?.job ?? null,
    queue,
    payload: shown as JobResultView["payload"],
    task_id: taskId,
    batch_id: batchId,
    ...view,
    error,
  };
}

type Rest = Omit<JobResultView, "id" | "job" | "queue" | "payload" | "task_id" | "batch_id">;

function ofTask(task: Task, now: Date): Rest {
  const { status, errorCode, errorMessage, createdAt, dueAt, startedAt } = task;
  const endedAt = task.completedAt ?? task.cancelledAt;
  return {
    state: status === "pending" ? waiting(dueAt, now) : status === "processing" ? "active" : status,
    attempts: task.attempt,
    result: task.result,
    error: errorMessage === null ? null : { code: errorCode, message: errorMessage, stack: null },
    created_at: createdAt.toISOString(),
    due_at: dueAt?.toISOString() ?? null,
    started_at: startedAt?.toISOString() ?? null,
    ended_at: endedAt?.toISOString() ?? null,
  };
}

function ofJob(job: FoundJob | null, now: Date): Rest {
  if (!job) throw new Error("A job without a task exists in the queue.");
  const { state, output, startedAt, dueAt, createdAt, endedAt } = job;
  const { message, failures, stack, ...result } = (output ?? {}) as Record<string, unknown>;
  return {
    state: state === "created" || state === "retry" ? waiting(dueAt, now) : (state satisfies State),
    attempts: startedAt === null ? 0 : job.attempt,
    result: state === "completed" && Object.keys(result).length > 0 ? result : null,
    error: typeof message === "string" ? { code: null, message, stack: null } : null,
    created_at: createdAt.toISOString(),
    due_at: dueAt.toISOString(),
    started_at: startedAt?.toISOString() ?? null,
    ended_at: endedAt?.toISOString() ?? null,
  };
}

/** @param dueAt null: the task waits for another one */
function waiting(dueAt: Date | null, now: Date): State {
  return dueAt === null || dueAt > now ? "scheduled" : "waiting";
}

import Type, { type Static } from "typebox";
import { QUEUES } from "../jobs.ts";
import { NullableMoment, nullable, Uuid } from "../platform/http/schemas.ts";
import { type JobFacts, LISTED_STATES, type RecurringJob, type Registered } from "./job-queries.ts";
import type { StoredQueue } from "./queries.ts";

export const QueueNameSchema = Type.Enum([...QUEUES], { description: "The name of the queue." });

export const QueueView = Type.Object(
  {
    name: QueueNameSchema,
    waiting: Type.Integer({ description: "Jobs that are due and that no worker has taken." }),
    scheduled: Type.Integer({ description: "Jobs that are due later." }),
    retrying: Type.Integer({
      description:
        "Waiting and scheduled jobs that a worker has taken before, among the next 10,000 of each kind.",
    }),
    active: Type.Integer({ description: "Jobs that workers are running." }),
    is_estimate: Type.Boolean({
      description: "true: more than 10,000 jobs of one kind wait, and their number is some seconds old.",
    }),
    oldest_waiting_seconds: nullable(Type.Number(), "How long the oldest waiting job has waited."),
    is_paused: Type.Boolean({ description: "Whether the queue is paused." }),
    paused_at: NullableMoment("When the queue was paused."),
    paused_by: nullable(
      Type.Integer(),
      "The user who paused the queue. null: a command did, or the queue is not paused.",
    ),
    paused_by_username: nullable(Type.String(), "The name of that user."),
    pause_reason: nullable(Type.String(), "Why the queue was paused. null: no reason was given."),
    workers: Type.Integer({ description: "Live workers that take jobs from the queue." }),
  },
  {
    $id: "Queue",
    description: "A queue and its jobs.",
    examples: [
      {
        name: "file_processing",
        waiting: 12,
        scheduled: 3,
        retrying: 1,
        active: 4,
        is_estimate: false,
        oldest_waiting_seconds: 2.4,
        is_paused: false,
        paused_at: null,
        paused_by: null,
        paused_by_username: null,
        pause_reason: null,
        workers: 1,
      },
    ],
  },
);

export type QueueView = Static<typeof QueueView>;

export function viewQueue({
  queue,
  paused,
  oldestWaitingSeconds,
  isEstimate,
  ...rest
}: StoredQueue): QueueView {
  const { waiting, scheduled, retrying, active, workers } = rest;
  return {
    name: queue,
    waiting,
    scheduled,
    retrying,
    active,
    is_estimate: isEstimate,
    oldest_waiting_seconds:
      oldestWaitingSeconds === null ? null : Math.round(Math.max(0, oldestWaitingSeconds) * 10) / 10,
    is_paused: paused !== null,
    paused_at: paused?.pausedAt.toISOString() ?? null,
    paused_by: paused?.pausedBy ?? null,
    paused_by_username: paused?.username ?? null,
    pause_reason: paused?.reason ?? null,
    workers,
  };
}

export const JobView = Type.Object({
  id: { ...Uuid, description: "The id of the job." },
  job: Type.String({ description: "The kind of job.", examples: ["task.file_processing"] }),
  queue: QueueNameSchema,
  state: Type.Enum([...LISTED_STATES], { description: "The `state` of the request." }),
  attempt: Type.Integer({ description: "1 for the first delivery." }),
  worker_id: nullable(Uuid, "The worker that runs the job. Workers report every five seconds."),
  task_id: nullable(Uuid, "The task of the job."),
  batch_id: nullable(Uuid, "The batch of the job."),
  since: NullableMoment("When a worker took the job. null: it is not active."),
  due_at: NullableMoment("When the job is or was due. null: it is neither waiting nor scheduled."),
  ended_at: NullableMoment("When the job failed. null: it has not."),
});

export type JobView = Static<typeof JobView>;

export function viewJob({
  id,
  job,
  queue,
  state,
  attempt,
  at,
  workerId,
  taskId,
  batchId,
}: JobFacts): JobView {
  return {
    id,
    job,
    queue,
    state,
    attempt,
    worker_id: workerId,
    task_id: taskId,
    batch_id: batchId,
    since: state === "active" ? at.toISOString() : null,
    due_at: state === "waiting" || state === "scheduled" ? at.toISOString() : null,
    ended_at: state === "failed" ? at.toISOString() : null,
  };
}

export const ScheduleView = Type.Object({
  job: Type.String({ description: "The kind of job.", examples: ["upkeep.clean"] }),
  cron: Type.String({ description: "The cron expression.", examples: ["17 3 * * *"] }),
  timezone: Type.String({ description: "The time zone of the expression.", examples: ["UTC"] }),
  next_at: NullableMoment("When the job is due next."),
});

export function viewSchedule({ job, cron, timezone, nextAt }: RecurringJob): Static<typeof ScheduleView> {
  return { job, cron, timezone, next_at: nextAt?.toISOString() ?? null };
}

const Takers = Type.Array(Uuid, { description: "The live workers that take it." });

export const RegisteredView = Type.Object({
  queues: Type.Array(QueueNameSchema, { description: "All queues." }),
  jobs: Type.Array(
    Type.Object({
      name: Type.String({ description: "The kind of job.", examples: ["upkeep.clean"] }),
      queue: QueueNameSchema,
      retries: Type.Integer({ description: "How often the job is delivered again." }),
      workers: Takers,
    }),
    { description: "All kinds of jobs." },
  ),
  task_types: Type.Array(
    Type.Object({
      name: Type.String({ description: "The task type.", examples: ["image"] }),
      queue: QueueNameSchema,
      description: Type.String({
        description: "A description of the type.",
        examples: ["Resizes a picture."],
      }),
      workers: Takers,
    }),
    { description: "All task types." },
  ),
});

export function viewRegistered({ jobs, types }: Registered): Static<typeof RegisteredView> {
  return { queues: [...QUEUES], jobs: [...jobs], task_types: [...types] };
}

/** What the API shows operators: the schemas, and how what is stored becomes an answer. */
import Type, { type Static } from "typebox";
import { QUEUES } from "../jobs.ts";
import { nullable } from "../platform/http/schemas.ts";
import type { JobFacts, Registered, Schedule } from "./job-queries.ts";
import type { StoredQueue, StoredWorker } from "./queries.ts";

const Moment = Type.String({ format: "date-time" });

const Uuid = Type.String({ format: "uuid" });

export const QueueNameSchema = Type.Enum([...QUEUES]);

export const QueueView = Type.Object(
  {
    name: QueueNameSchema,
    waiting: Type.Integer({ description: "Jobs that are due and not taken." }),
    scheduled: Type.Integer({ description: "Jobs that are due later." }),
    retrying: Type.Integer({
      description: "Of both, those that a worker has had before; of the 10,000 of each kind that are next.",
    }),
    active: Type.Integer({ description: "Jobs that workers have in hand." }),
    is_estimate: Type.Boolean({
      description: "Over 10,000 of a kind wait: their number is what was counted last, seconds ago.",
    }),
    oldest_waiting_seconds: nullable(Type.Number(), "How long the one has waited that has waited longest."),
    is_paused: Type.Boolean(),
    paused_at: nullable(Moment, "null: it is not."),
    paused_by: nullable(Type.Integer(), "The user who paused it; null: nobody, or a command."),
    workers: Type.Integer({ description: "How many are alive and take it." }),
  },
  { $id: "Queue" },
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
    workers,
  };
}

export const WorkerView = Type.Object({
  id: Uuid,
  host: Type.String(),
  pid: Type.Integer(),
  version: Type.String(),
  queues: Type.Record(Type.String(), Type.Integer(), {
    description: "Queue to how many of its jobs of one kind and one user it takes at a time.",
  }),
  running: Type.Array(Type.Object({ job: Type.String(), id: Uuid, since: Moment }), {
    description: "What it had in hand when it was last seen.",
  }),
  is_alive: Type.Boolean({ description: "Seen within 30 seconds." }),
  started_at: Moment,
  last_seen_at: Moment,
});

export type WorkerView = Static<typeof WorkerView>;

export function viewWorker(worker: StoredWorker): WorkerView {
  const { id, host, pid, version, queues } = worker;
  return {
    id,
    host,
    pid,
    version,
    queues,
    running: [...worker.running],
    is_alive: worker.isAlive,
    started_at: worker.startedAt.toISOString(),
    last_seen_at: worker.lastSeenAt.toISOString(),
  };
}

export const JobView = Type.Object({
  id: Uuid,
  job: Type.String(),
  queue: QueueNameSchema,
  state: Type.Enum(["active", "scheduled"]),
  attempt: Type.Integer({ description: "1 for its first delivery." }),
  worker_id: nullable(Uuid, "Workers tell every five seconds what they have."),
  task_id: nullable(Uuid, "Whose job it is."),
  batch_id: nullable(Uuid, "Whose job it is."),
  since: nullable(Moment, "When it was taken."),
  due_at: nullable(Moment, "From when it may be taken."),
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
  const isActive = state === "active";
  return {
    id,
    job,
    queue,
    state,
    attempt,
    worker_id: workerId,
    task_id: taskId,
    batch_id: batchId,
    since: isActive ? at.toISOString() : null,
    due_at: isActive ? null : at.toISOString(),
  };
}

export const ScheduleView = Type.Object({
  job: Type.String(),
  cron: Type.String({ description: "In UTC." }),
  next_at: nullable(Moment, "When it is due next."),
});

export function viewSchedule({ job, cron, nextAt }: Schedule): Static<typeof ScheduleView> {
  return { job, cron, next_at: nextAt?.toISOString() ?? null };
}

const Takers = Type.Array(Uuid, { description: "Workers that are alive and take it." });

export const RegisteredView = Type.Object({
  queues: Type.Array(QueueNameSchema),
  jobs: Type.Array(
    Type.Object({
      name: Type.String(),
      queue: QueueNameSchema,
      retries: Type.Integer({ description: "How often it is delivered again." }),
      workers: Takers,
    }),
  ),
  task_types: Type.Array(
    Type.Object({
      name: Type.String(),
      queue: QueueNameSchema,
      description: Type.String(),
      workers: Takers,
    }),
  ),
});

export function viewRegistered({ jobs, types }: Registered): Static<typeof RegisteredView> {
  return { queues: [...QUEUES], jobs: [...jobs], task_types: [...types] };
}

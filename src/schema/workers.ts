/** Workers, and the queues that are paused. */
import { bigint, index, integer, json, text, uuid } from "drizzle-orm/pg-core";
import { moment, rowmill } from "./columns.ts";

/** A job that a worker runs now. */
export interface RunningJob {
  readonly job: string;
  readonly id: string;
  readonly since: string;
  /** null or absent, here and below: the job has none, or its worker has an older version. */
  readonly taskId?: string | null;
  readonly batchId?: string | null;
  readonly workflowId?: string | null;
}

/** The attempts of a worker at tasks of one type. */
export interface TypeStats {
  readonly type: string;
  /** Attempts, by their outcome. */
  readonly completed: number;
  readonly failed: number;
  readonly retried: number;
  readonly meanSeconds: number;
  /** Of the latest attempts. */
  readonly p95Seconds: number;
}

/** The work of a worker since it started. */
export interface WorkerStats {
  readonly tasks: readonly TypeStats[];
  readonly rows: number;
  /** Those of them that failed. Absent: the worker has an older version. */
  readonly rowsFailed?: number;
  /** Over the last minute. */
  readonly rowsPerSecond: number;
}

/** The totals of `WorkerStats` that the table `statistics` contains. */
export interface CountedWork {
  readonly rowsSucceeded: number;
  readonly rowsFailed: number;
  readonly tasksCompleted: number;
  readonly tasksFailed: number;
  readonly tasksRetried: number;
}

/** A moment in the life of a job. `seconds` is null at the start. */
export interface JobEvent {
  readonly event: "started" | "completed" | "put_back" | "failed";
  readonly job: string;
  readonly id: string;
  readonly userId: number | null;
  readonly taskId: string | null;
  readonly batchId: string | null;
  readonly seconds: number | null;
  readonly at: string;
}

/** The latest events of the jobs of a worker. */
export interface JobEvents {
  /** The number of the last event: the events of a worker are numbered from 1. */
  readonly last: number;
  readonly events: readonly JobEvent[];
}

/** Each worker updates its own row every few seconds, and deletes it when it ends. */
export const workers = rowmill.table(
  "workers",
  {
    id: uuid("id").primaryKey(),
    host: text("host").notNull(),
    pid: integer("pid").notNull(),
    version: text("version").notNull(),
    /** Maps each queue that the worker serves to its concurrency. */
    queues: json("queues").$type<Record<string, number>>().notNull(),
    running: json("running").$type<readonly RunningJob[]>().notNull(),
    startedAt: moment("started_at").notNull(),
    lastSeenAt: moment("last_seen_at").notNull(),
    /** When the worker was asked to stop, or began to; null: it runs. */
    stoppingAt: moment("stopping_at"),
    /** null: the worker has a version that reports none. */
    stats: json("stats").$type<WorkerStats>(),
    /** The worker reports the events of its jobs until then, because somebody watches (events/). */
    watchedUntil: moment("watched_until"),
    /** null: nobody has watched this worker. */
    jobEvents: json("job_events").$type<JobEvents>(),
    /** null: nothing of this worker has been counted. */
    counted: json("counted").$type<CountedWork>(),
  },
  (t) => [index("workers_last_seen").on(t.lastSeenAt)],
);

export const pausedQueues = rowmill.table("paused_queues", {
  queue: text("queue").primaryKey(),
  pausedAt: moment("paused_at").notNull().defaultNow(),
  pausedBy: bigint("paused_by", { mode: "number" }),
  /** Why, as the operator wrote it; null: no reason was given. */
  reason: text("reason"),
});

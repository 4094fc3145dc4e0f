/** The job catalogue: what can be enqueued and how it is run. handlers.ts binds each to its verb. */
import Type, { type Static, type TSchema } from "typebox";
import type { Config } from "./config.ts";
import type { JobContract } from "./platform/queue/queue.ts";

/** Groups of jobs that WORKER_QUEUES chooses from. */
export const QUEUES = ["bulk_processing", "file_processing", "default", "notifications"] as const;
export type QueueName = (typeof QUEUES)[number];

interface Contract extends JobContract {
  readonly queue: QueueName;
  /** Ids only: the rows they name are read when the job runs. */
  readonly payload: TSchema;
}

const DAY = 86_400;

/** For jobs that are quick, idempotent and not urgent. */
const background = {
  queue: "default",
  concurrency: 1,
  transactional: false,
} as const satisfies Partial<Contract>;

/**
 * Deliveries that end in an exception are repeated: a worker was killed, the database gone. A row that fails is data
 * instead.
 */
const rowJobOptions = {
  retryLimit: 20,
  retryDelay: 1,
  retryBackoff: true,
  retryDelayMax: 8,
  // After so long without a heartbeat a worker counts as dead: pg-boss's minimum.
  heartbeatSeconds: 10,
  deleteAfterSeconds: DAY,
  notify: true,
};

const rowJob = {
  queue: "bulk_processing",
  concurrency: "worker",
  leavesRoom: true,
} as const satisfies Partial<Contract>;

const backgroundOptions = {
  retryLimit: 5,
  retryDelay: 1,
  retryBackoff: true,
  retryDelayMax: 60,
  expireInSeconds: 3600,
  deleteAfterSeconds: DAY,
  notify: true,
};

/** A task of any type. A failure is data; what is delivered again is what a lost worker had in hand. */
const taskJob = {
  concurrency: "worker",
  leavesRoom: true,
  payload: Type.Object({ taskId: Type.String(), run: Type.Integer() }),
  // A file that kills every worker that opens it is not to kill more than these.
  options: { ...rowJobOptions, retryLimit: 8, expireInSeconds: 23 * 3600 },
  transactional: false,
} as const satisfies Partial<Contract>;

export const jobs = {
  /** One chunk of a batch. What it writes commits together with the completion of its job. */
  processChunk: {
    ...rowJob,
    name: "batch.process-chunk",
    payload: Type.Object({ batchId: Type.String(), firstRow: Type.Integer() }),
    options: { ...rowJobOptions, expireInSeconds: 900 },
    transactional: true,
  },
  /** All of an atomic batch or a dry run, in one transaction. */
  processWhole: {
    ...rowJob,
    name: "batch.process-whole",
    payload: Type.Object({ batchId: Type.String() }),
    options: { ...rowJobOptions, expireInSeconds: 6 * 3600 },
    transactional: true,
  },
  /** Puts the records of a batch back as they were, from its last chunk to its first, a transaction each. */
  undoBatch: {
    ...rowJob,
    name: "batch.undo",
    payload: Type.Object({ batchId: Type.String() }),
    options: { ...rowJobOptions, expireInSeconds: 6 * 3600 },
    transactional: false,
  },
  runBulkTask: { ...taskJob, name: "task.bulk-processing", queue: "bulk_processing" },
  runFileTask: { ...taskJob, name: "task.file-processing", queue: "file_processing" },
  runTask: { ...taskJob, name: "task.default", queue: "default" },
  runNotification: { ...taskJob, name: "task.notifications", queue: "notifications" },
  /** A batch has reached its final state; enqueued in the transaction that took it there. */
  batchFinished: {
    ...background,
    name: "batch.finished",
    payload: Type.Object({ batchId: Type.String() }),
    options: backgroundOptions,
  },
  /** Each minute: removes uploads whose process died, and brings back chunks whose job was lost. */
  reconcile: {
    ...background,
    name: "upkeep.reconcile",
    payload: Type.Object({}),
    options: { ...backgroundOptions, retryLimit: 0 },
    schedule: () => "* * * * *",
  },
  /** Daily: removes what is older than RETENTION_DAYS. */
  clean: {
    ...background,
    name: "upkeep.clean",
    payload: Type.Object({}),
    options: { ...backgroundOptions, retryLimit: 2 },
    schedule: (config: Config) => config.cleanupCron,
  },
} as const satisfies Record<string, Contract>;

export type JobName = keyof typeof jobs;
export type Payload<N extends JobName> = Static<(typeof jobs)[N]["payload"]>;

/** The job that runs the tasks of a queue. */
export const taskJobs = {
  bulk_processing: jobs.runBulkTask,
  file_processing: jobs.runFileTask,
  default: jobs.runTask,
  notifications: jobs.runNotification,
} as const satisfies Record<QueueName, Contract>;

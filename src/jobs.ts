/** The catalog of all kinds of jobs: their payloads and how they run. handlers.ts binds each to its verb. */
import Type, { type Static, type TSchema } from "typebox";
import type { Config } from "./config/config.ts";
import type { JobContract } from "./platform/queue/queue.ts";

/** The queues that WORKER_QUEUES chooses from. */
export const QUEUES = ["bulk_processing", "file_processing", "default", "notifications"] as const;
export type QueueName = (typeof QUEUES)[number];

interface Contract extends JobContract {
  readonly queue: QueueName;
  /** Ids only. The handler reads what they refer to. */
  readonly payload: TSchema;
}

const DAY = 86_400;

/** For jobs that are quick, idempotent and not urgent. */
const background = {
  queue: "default",
  concurrency: 1,
  transactional: false,
} as const satisfies Partial<Contract>;

/** A delivery is repeated if a worker dies or the database is unreachable. A failed row is data, not an exception. */
const rowJobOptions = {
  retryLimit: 20,
  retryDelay: 1,
  retryBackoff: true,
  retryDelayMax: 8,
  // A worker without a heartbeat for this time counts as dead. 10 is pg-boss's minimum.
  heartbeatSeconds: 10,
  deleteAfterSeconds: DAY,
  notify: true,
};

const rowJob = {
  queue: "bulk_processing",
  concurrency: "worker",
  leavesSlotForOthers: true,
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

/** A task of any type. A failed task is data; its job is delivered again only if its worker is lost. */
const taskJob = {
  concurrency: "worker",
  leavesSlotForOthers: true,
  payload: Type.Object({ taskId: Type.String(), run: Type.Integer() }),
  // Limits how many workers a file can kill.
  options: { ...rowJobOptions, retryLimit: 8, expireInSeconds: 23 * 3600 },
  transactional: false,
} as const satisfies Partial<Contract>;

export const jobs = {
  /** Processes one chunk of a batch. Its writes and the completion of the job commit together. */
  processChunk: {
    ...rowJob,
    name: "batch.process-chunk",
    payload: Type.Object({ batchId: Type.String(), firstRow: Type.Integer() }),
    options: { ...rowJobOptions, expireInSeconds: 900 },
    transactional: true,
  },
  /** Processes all rows of an atomic batch or a dry run in one transaction. */
  processWhole: {
    ...rowJob,
    name: "batch.process-whole",
    payload: Type.Object({ batchId: Type.String() }),
    options: { ...rowJobOptions, expireInSeconds: 6 * 3600 },
    transactional: true,
  },
  /** Restores the records of a batch, from its last chunk to its first, one transaction per chunk. */
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
  /** Announces that a batch has ended. Added in the transaction that ends the batch. */
  batchFinished: {
    ...background,
    name: "batch.finished",
    payload: Type.Object({ batchId: Type.String() }),
    options: backgroundOptions,
  },
  /** Runs every minute: removes interrupted uploads, and adds jobs for chunks and tasks whose job was lost. */
  reconcile: {
    ...background,
    name: "upkeep.reconcile",
    payload: Type.Object({}),
    options: { ...backgroundOptions, retryLimit: 0 },
    schedule: () => "* * * * *",
  },
  /** Runs on CLEANUP_CRON, daily by default: deletes data that is older than RETENTION_DAYS. */
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

/** The catalogue of jobs: names, payloads and options. handlers.ts binds each job to its verb. */
import Type, { type Static, type TSchema } from "typebox";
import type { JobContract } from "./platform/queue/contract.ts";
import { SMTP_CONNECTIONS } from "./platform/smtp/smtp-client.ts";

/** Workers choose their queues with WORKER_QUEUES. */
export const QUEUES = ["bulk_processing", "file_processing", "default", "notifications", "http"] as const;
export type QueueName = (typeof QUEUES)[number];

interface Contract extends JobContract {
  readonly queue: QueueName;
  /** Only ids, or what a client has asked for; the job reads current data when it runs. */
  readonly payload: TSchema;
}

const DAY = 86_400;

/** For jobs that are quick, idempotent and not urgent. */
const background = {
  queue: "default",
  concurrency: 1,
  maxAttempts: 6,
  transactional: false,
} as const satisfies Partial<Contract>;

/**
 * The queue counts the deliveries that fail because of the job itself (`maxAttempts`). pg-boss counts all deliveries, also
 * those that end with the database or the worker, so its limit is never reached.
 */
const UNLIMITED = 1_000_000;

const rowJobOptions = {
  retryLimit: UNLIMITED,
  retryDelay: 1,
  retryBackoff: true,
  retryDelayMax: 8,
  // The minimum of pg-boss. A worker without a heartbeat for this long counts as dead.
  heartbeatSeconds: 10,
  deleteAfterSeconds: DAY,
  notify: true,
};

const rowJob = {
  queue: "bulk_processing",
  concurrency: "worker",
  isShared: true,
  // Failed rows are data and do not throw, but one row that is retried repeats an atomic batch (ROW_MAX_RETRIES).
  maxAttempts: 21,
} as const satisfies Partial<Contract>;

const backgroundOptions = { ...rowJobOptions, retryDelayMax: 60, expireInSeconds: 3600 };

/** Runs a task of any type. Failed tasks are data; a job is delivered again if its worker is lost. */
const taskJob = {
  concurrency: "worker",
  isShared: true,
  maxAttempts: 8,
  payload: Type.Object({
    taskId: Type.String(),
    run: Type.Integer(),
    /** Absent in jobs of versions before 0.7.0. */
    type: Type.Optional(Type.String()),
    /** Set if the type has put the task back: the attempt that continues, and the state of its work. */
    continued: Type.Optional(Type.Object({ attempt: Type.Integer(), state: Type.Unknown() })),
  }),
  options: { ...rowJobOptions, expireInSeconds: 23 * 3600 },
  transactional: false,
} as const satisfies Partial<Contract>;

export const jobs = {
  /** Processes one chunk of a batch. Its results commit together with the completion of the job. */
  processChunk: {
    ...rowJob,
    name: "batch.process-chunk",
    maxAttempts: 5,
    payload: Type.Object({
      batchId: Type.String(),
      firstRow: Type.Integer(),
      /** Whether the simulated delay of the rows has passed. */
      isDelayed: Type.Optional(Type.Boolean()),
      /** The last row that this attempt at the chunk has processed. */
      after: Type.Optional(Type.Integer()),
      /** The longest time that a processed row of this attempt asks to wait for its retry. Absent: none failed for now. */
      retryAfterSeconds: Type.Optional(Type.Number()),
      /** Set if rows of this attempt have waited (MustWait), with whether the next chunk of a paced batch has its job. */
      waited: Type.Optional(Type.Object({ isNextEnqueued: Type.Boolean() })),
      /** Rows after which requests to a service end, because it has refused larger ones. The last one comes first. */
      bounds: Type.Optional(Type.Array(Type.Integer())),
      /** Whether the chunk is a part of one that has ended its worker. It runs in a process of its own. */
      isAlone: Type.Optional(Type.Boolean()),
    }),
    options: { ...rowJobOptions, expireInSeconds: 900 },
    transactional: true,
  },
  /** Processes an atomic batch or a dry run in one transaction. */
  processWhole: {
    ...rowJob,
    name: "batch.process-whole",
    payload: Type.Object({ batchId: Type.String(), isDelayed: Type.Optional(Type.Boolean()) }),
    options: { ...rowJobOptions, expireInSeconds: 6 * 3600 },
    transactional: true,
  },
  /** Restores the records of a batch from its last chunk to its first, one transaction per chunk. */
  undoBatch: {
    ...rowJob,
    name: "batch.undo",
    payload: Type.Object({
      batchId: Type.String(),
      /** For a service that undoes the rows. */
      progress: Type.Optional(
        Type.Object({
          /** Requests in a row that have undone no row. */
          failures: Type.Optional(Type.Integer()),
          /** The greatest number of rows per request, because the service has refused larger ones. */
          maxRows: Type.Optional(Type.Integer()),
          /** Why no more requests are sent: all rows that are left fail for this reason. */
          gaveUp: Type.Optional(Type.String()),
        }),
      ),
    }),
    options: { ...rowJobOptions, expireInSeconds: 6 * 3600 },
    transactional: false,
  },
  runBulkTask: { ...taskJob, name: "task.bulk-processing", queue: "bulk_processing" },
  runFileTask: { ...taskJob, name: "task.file-processing", queue: "file_processing" },
  runTask: { ...taskJob, name: "task.default", queue: "default" },
  runNotification: { ...taskJob, name: "task.notifications", queue: "notifications" },
  /** Sends one request of a task. While it waits for the answer it holds no connection, and slow hosts hold no other places. */
  runHttpTask: {
    ...taskJob,
    name: "task.http",
    queue: "http",
    // 32, with the place for users with nothing running.
    concurrency: 31,
    perGroup: 10,
    isHarmless: true,
  },
  /** Decides the next steps of a workflow. Enqueued in the transaction that ends one of its tasks, and for its deadline. */
  advanceWorkflow: {
    ...background,
    name: "workflow.advance",
    concurrency: 2,
    isShared: true,
    // Jobs of one workflow would wait for each other.
    perGroup: 1,
    isHarmless: true,
    payload: Type.Object({
      workflowId: Type.String(),
      /** The task that has ended. Absent: the deadline. */
      taskId: Type.Optional(Type.String()),
    }),
    options: { ...rowJobOptions, expireInSeconds: 600 },
  },
  /** Creates the e-mails and webhook deliveries of all notifications that are pending. */
  notify: {
    ...background,
    name: "notification.notify",
    queue: "notifications",
    payload: Type.Object({}),
    options: backgroundOptions,
    transactional: true,
  },
  /** Sends one mail of the outbox. */
  sendMail: {
    ...background,
    name: "mail.send",
    queue: "notifications",
    // A slow mail server holds these places, and no others.
    concurrency: SMTP_CONNECTIONS,
    payload: Type.Object({ mailId: Type.String() }),
    options: { ...rowJobOptions, expireInSeconds: 600 },
  },
  /** Creates the mails of a requested password reset. A job, so that the answer does not reveal which accounts exist. */
  startPasswordReset: {
    ...background,
    name: "account.password-reset",
    queue: "notifications",
    payload: Type.Object({ email: Type.Optional(Type.String()), username: Type.Optional(Type.String()) }),
    options: { ...rowJobOptions, expireInSeconds: 60, deleteAfterSeconds: 3600 },
    transactional: true,
  },
  /** Makes one attempt at a delivery to a webhook. Its group is the webhook, which has two slots over all workers. */
  deliverWebhook: {
    queue: "notifications",
    // 20, with the place for webhooks with nothing running.
    concurrency: 19,
    isShared: true,
    perGroup: 2,
    isHarmless: true,
    name: "webhook.deliver",
    maxAttempts: 5,
    payload: Type.Object({ deliveryId: Type.String(), run: Type.Integer() }),
    options: { ...rowJobOptions, expireInSeconds: 120 },
    transactional: false,
  },
  /** Runs every minute: removes uploads whose process died, and creates lost jobs again. */
  reconcile: {
    ...background,
    name: "upkeep.reconcile",
    payload: Type.Object({}),
    maxAttempts: 1,
    options: backgroundOptions,
    isUpkeep: true,
    schedule: "* * * * *",
  },
  /** Runs the ticks of schedules that are due. Any number of these jobs can run at a time. */
  runTicks: {
    ...background,
    name: "schedule.run-ticks",
    payload: Type.Object({}),
    maxAttempts: 3,
    options: { ...rowJobOptions, expireInSeconds: 600, deleteAfterSeconds: 3600 },
    isUpkeep: true,
  },
  /**
   * Writes a backup. A scheduled job has no `backupId`: it requests the backup of the tick at `tickAt`, which is absent in
   * jobs of versions before 0.7.0.
   */
  runBackup: {
    ...background,
    name: "backup.run",
    payload: Type.Object({
      backupId: Type.Optional(Type.String()),
      tickAt: Type.Optional(Type.String()),
    }),
    maxAttempts: 3,
    options: { ...rowJobOptions, expireInSeconds: 23 * 3600 },
    isUpkeep: true,
  },
  /** Runs daily: removes batches, tasks, files, logins, mails, deliveries and request logs that have expired. */
  clean: {
    ...background,
    name: "upkeep.clean",
    payload: Type.Object({}),
    maxAttempts: 3,
    options: backgroundOptions,
    isUpkeep: true,
  },
  /** Writes the report of the day before. */
  dailyReport: {
    ...background,
    name: "report.daily",
    payload: Type.Object({}),
    options: backgroundOptions,
    isUpkeep: true,
  },
  /** Writes the report of the week before. */
  weeklyReport: {
    ...background,
    name: "report.weekly",
    payload: Type.Object({}),
    options: backgroundOptions,
    isUpkeep: true,
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
  http: jobs.runHttpTask,
} as const satisfies Record<QueueName, Contract>;

import type { QueueOptions } from "pg-boss";

/** One kind of job, as the queue runs it. jobs.ts lists all kinds. */
export interface JobContract {
  readonly name: string;
  /** The queue that workers choose in WORKER_QUEUES. */
  readonly queue: string;
  /** Without a heartbeat, a job whose worker was lost would wait until it expires. */
  readonly options: QueueOptions & { notify?: boolean; retryLimit: number; heartbeatSeconds: number };
  /** Deliveries that may fail, one after the other, before the job is given up. */
  readonly maxAttempts: number;
  /** Jobs that a worker runs at the same time; `worker`: the number that WORKER_QUEUES or WORKER_CONCURRENCY sets. */
  readonly concurrency: "worker" | number;
  /** Whether the handler's writes and the completion of the job commit together. */
  readonly transactional: boolean;
  /** Whether users share the places, and one more place is only for users with nothing running. */
  readonly isShared?: boolean;
  /** Jobs of one group that a worker runs at the same time; absent: WORKER_USER_CONCURRENCY. */
  readonly perGroup?: number;
  /** The job cannot end its process. Absent: if its worker was lost, it runs next in a process of its own. */
  readonly isHarmless?: boolean;
  /** Pauses of its queue do not concern the job. */
  readonly isUpkeep?: boolean;
  /** The cron expression in UTC of a job that pg-boss adds. All other schedules are rows (schedules/). */
  readonly schedule?: string;
}

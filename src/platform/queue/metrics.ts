/** Metrics of jobs and queues for Prometheus. */
import type { Registry } from "prom-client";
import type { Log } from "../log.ts";
import { Meter } from "../metrics/meter.ts";
import type { RunningJobs } from "./running-jobs.ts";

interface QueueDepth {
  readonly queue: string;
  readonly waiting: number;
  readonly oldestWaitingSeconds: number | null;
}

interface Source {
  readonly running: RunningJobs;
  /** The queues that the worker serves. */
  readonly queues: readonly string[];
  /** Called once per scrape. */
  readonly readDepths: () => Promise<readonly QueueDepth[]>;
  /** The requests of the last day that the request log lacks. */
  readonly readMissing: () => Promise<number>;
  /** The age of the latest complete backup; null: none exists. */
  readonly readBackupAge: () => Promise<number | null>;
}

/** From an empty job to one that takes hours. */
const SECONDS_BUCKETS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200];

/** If the database does not answer within this time, a scrape lacks the depths of queues. */
const READ_TIMEOUT_MS = 3000;

export function addQueueMetrics(
  registry: Registry,
  { running, queues, readDepths, readMissing, readBackupAge }: Source,
  log: Log,
): void {
  const meter = new Meter(registry);
  const ended = meter.counter(
    "rowmill_jobs_total",
    "Jobs that ended on this worker. outcome=thrown: the job is delivered again.",
    "job",
    "queue",
    "outcome",
  );
  const seconds = meter.histogram(
    "rowmill_job_seconds",
    "How long a job ran, in seconds.",
    SECONDS_BUCKETS,
    "job",
    "queue",
  );
  running.observe(({ name: job, queue }, outcome, took) => {
    ended.inc({ job, queue, outcome });
    seconds.observe({ job, queue }, took);
  });
  meter.gauge(
    "rowmill_jobs_running",
    "Jobs that this worker runs now.",
    (gauge) => {
      const byQueue = Map.groupBy(running.list(), ({ queue }) => queue);
      for (const queue of queues) gauge.set({ queue }, byQueue.get(queue)?.length ?? 0);
    },
    "queue",
  );
  addDepths(meter, readDepths, log);
  meter.gauge(
    "rowmill_request_log_missing",
    "Requests of the last 24 hours that the request log lacks, on all API processes together.",
    // Keeps the last number if the database does not answer.
    (gauge) =>
      withinTime(readMissing()).then(
        (missing) => gauge.set(missing),
        () => {},
      ),
  );
  meter.gauge(
    "rowmill_backup_age_seconds",
    "Seconds since the latest complete backup has ended. Missing: no backup exists.",
    async (gauge) => {
      const age = await withinTime(readBackupAge()).catch(() => null);
      gauge.remove();
      if (age !== null) gauge.set(age);
    },
  );
}

function addDepths(meter: Meter, readDepths: Source["readDepths"], log: Log): void {
  let reading: Promise<readonly QueueDepth[]> | null = null;
  // Both gauges share one read per scrape.
  const read = () => {
    reading ??= withinTime(readDepths())
      .catch((error) => {
        log.warn({ err: error }, "cannot read the depths of the queues");
        return [];
      })
      .finally(() => {
        reading = null;
      });
    return reading;
  };
  const addGauge = (name: string, help: string, numberOf: (depth: QueueDepth) => number) =>
    meter.gauge(
      name,
      `${help}, on all workers together.`,
      async (gauge) => {
        const depths = await read();
        gauge.reset();
        for (const depth of depths) gauge.set({ queue: depth.queue }, numberOf(depth));
      },
      "queue",
    );
  addGauge("rowmill_queue_waiting", "Jobs that are due and that no worker runs", ({ waiting }) => waiting);
  addGauge(
    "rowmill_queue_oldest_seconds",
    "Seconds that the oldest waiting job has waited, 0 if no job waits",
    ({ oldestWaitingSeconds }) => oldestWaitingSeconds ?? 0,
  );
}

async function withinTime<T>(reading: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`no answer within ${READ_TIMEOUT_MS} ms`)),
    READ_TIMEOUT_MS,
  );
  try {
    return await Promise.race([reading, late]);
  } finally {
    clearTimeout(timer);
  }
}

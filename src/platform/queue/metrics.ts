/** Metrics of jobs and queues for Prometheus. */
import type { Registry } from "prom-client";
import type { Log } from "../log.ts";
import { Meter } from "../metrics/meter.ts";
import { withinTime } from "../metrics/within-time.ts";
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
}

/** From an empty job to one that takes hours. */
const SECONDS_BUCKETS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200];

export function addQueueMetrics(registry: Registry, { running, queues, readDepths }: Source, log: Log): void {
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

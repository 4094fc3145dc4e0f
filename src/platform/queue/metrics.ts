/** What a worker tells Prometheus. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Log } from "../log.ts";
import type { RunningJobs } from "./running-jobs.ts";

interface QueueDepth {
  readonly queue: string;
  readonly waiting: number;
  readonly oldestWaitingSeconds: number | null;
}

interface Source {
  readonly inHand: RunningJobs;
  /** The queues whose jobs are taken. */
  readonly queues: readonly string[];
  /** Read at each scrape. */
  readonly readDepths: () => Promise<readonly QueueDepth[]>;
}

/** From an empty job to one of hours. */
const SECONDS_BUCKETS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200];

/** A scrape is not held up for longer by a database that does not answer: then the depths are missing. */
const READ_TIMEOUT_MS = 3000;

export function openMetrics({ inHand, queues, readDepths }: Source, log: Log): Registry {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const ended = new Counter({
    name: "rowmill_jobs_total",
    help: "Jobs that ended here; thrown: they are delivered again.",
    labelNames: ["job", "queue", "outcome"] as const,
    registers,
  });
  const seconds = new Histogram({
    name: "rowmill_job_seconds",
    help: "How long a job was in hand.",
    labelNames: ["job", "queue"] as const,
    buckets: SECONDS_BUCKETS,
    registers,
  });
  inHand.observe(({ name: job, queue }, outcome, took) => {
    ended.inc({ job, queue, outcome });
    seconds.observe({ job, queue }, took);
  });
  new Gauge({
    name: "rowmill_jobs_in_hand",
    help: "Jobs that are being worked on here.",
    labelNames: ["queue"] as const,
    registers,
    collect() {
      const byQueue = Map.groupBy(inHand.list(), ({ queue }) => queue);
      for (const queue of queues) this.set({ queue }, byQueue.get(queue)?.length ?? 0);
    },
  });
  addDepths(registry, readDepths, log);
  return registry;
}

function addDepths(registry: Registry, readDepths: Source["readDepths"], log: Log): void {
  let reading: Promise<readonly QueueDepth[]> | null = null;
  // Once a scrape, for both.
  const read = () => {
    reading ??= withinTime(readDepths())
      .catch((error) => {
        log.warn({ err: error }, "could not read how much waits");
        return [];
      })
      .finally(() => {
        reading = null;
      });
    return reading;
  };
  const addGauge = (name: string, help: string, numberOf: (depth: QueueDepth) => number) =>
    new Gauge({
      name,
      help: `${help}, on all workers together.`,
      labelNames: ["queue"] as const,
      registers: [registry],
      async collect() {
        const depths = await read();
        this.reset();
        for (const depth of depths) this.set({ queue: depth.queue }, numberOf(depth));
      },
    });
  addGauge("rowmill_queue_waiting", "Jobs that are due and not taken", ({ waiting }) => waiting);
  addGauge(
    "rowmill_queue_oldest_seconds",
    "How long the job has waited that has waited longest, 0 where none waits",
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

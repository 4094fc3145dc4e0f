import { hostname } from "node:os";
import { eq, sql } from "drizzle-orm";
import packageJson from "../../../package.json" with { type: "json" };
import { inTransaction } from "../../context.ts";
import { QUEUES } from "../../jobs.ts";
import type { OpenContext } from "../../open-context.ts";
import { uuidV7 } from "../../platform/ids.ts";
import type { Signs } from "../../platform/process/sign-of-life.ts";
import { concurrencyOf } from "../../platform/queue/queue.ts";
import { type CountedWork, type RunningJob, workers } from "../../schema/workers.ts";
import { countWork, totalOf } from "./count-work.ts";
import { workerLife } from "./queries.ts";
import { JobEventReporter } from "./report-job-events.ts";
import { WORKER_CHANNEL } from "./shut-down-worker.ts";
import { StatsOfWorker } from "./worker-stats.ts";

/**
 * Reports this worker, its running jobs and its statistics to the table of workers every few seconds until disposed of.
 * @param shutDown called when an operator has asked this worker to stop
 */
export async function registerWorker(ctx: OpenContext, shutDown: () => void): Promise<RegisteredWorker> {
  const worker = new RegisteredWorker(ctx, shutDown);
  await worker.start();
  ctx.log.info({ workerId: worker.id }, "worker registered");
  return worker;
}

/** The columns with which others ask this worker for something. */
const ASKED = { stoppingAt: workers.stoppingAt, watchedUntil: workers.watchedUntil };

interface Asked {
  readonly stoppingAt: Date | null;
  readonly watchedUntil: Date | null;
}

class RegisteredWorker implements AsyncDisposable {
  readonly id: string;
  readonly #ctx: OpenContext;
  readonly #shutDown: () => void;
  readonly #facts: ReturnType<typeof factsOf>;
  readonly #stats: StatsOfWorker;
  readonly #jobEvents: JobEventReporter;
  #signs: Signs | undefined;
  #stopListening = () => {};
  #isStopping = false;
  /** The work of the last report. If the row was removed meanwhile, a new one must not count this work again. */
  #counted: CountedWork | null = null;

  constructor(ctx: OpenContext, shutDown: () => void) {
    this.id = uuidV7(ctx.now());
    this.#ctx = ctx;
    this.#shutDown = shutDown;
    this.#stats = new StatsOfWorker(ctx.activity);
    this.#jobEvents = new JobEventReporter(ctx, this.id);
    this.#facts = factsOf(ctx, this.id);
  }

  async start(): Promise<void> {
    await this.#report();
    this.#signs = workerLife.start(
      () => this.#report(),
      (error) => this.#ctx.log.warn({ err: error }, "could not record the sign of life of this worker"),
    );
    this.#stopListening = this.#ctx.listener.listen(WORKER_CHANNEL, (worker) => {
      // The next sign of life looks again.
      if (worker === this.id || worker === null) void this.#look().catch(() => {});
    });
  }

  /** Shows in the list that the worker is stopping. */
  async markStopping(): Promise<void> {
    this.#isStopping = true;
    const stoppingAt = sql`coalesce(${workers.stoppingAt}, statement_timestamp())`;
    // The worker stops even if the database does not answer.
    await this.#ctx.db
      .update(workers)
      .set({ stoppingAt })
      .where(this.#isThis)
      .catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopListening();
    this.#jobEvents[Symbol.dispose]();
    this.#signs?.[Symbol.dispose]();
    await this.#signs?.settled();
    try {
      await this.#report();
      await inTransaction(this.#ctx, async (tx) => {
        await countWork(tx, this.id);
        await tx.db.delete(workers).where(this.#isThis);
      });
    } catch (error) {
      // `removeLostWorkers` removes the row later.
      this.#ctx.log.warn({ err: error }, "could not remove this worker from the list");
    }
  }

  get #isThis() {
    return eq(workers.id, this.id);
  }

  async #report(): Promise<void> {
    const stats = this.#stats.report();
    const now = { running: runningJobs(this.#ctx), stats, lastSeenAt: sql`statement_timestamp()` };
    const [asked] = await this.#ctx.db
      .insert(workers)
      .values({ ...this.#facts, ...now, counted: this.#counted })
      .onConflictDoUpdate({ target: workers.id, set: now })
      .returning(ASKED);
    this.#counted = totalOf(stats);
    this.#obey(asked);
  }

  async #look(): Promise<void> {
    const [asked] = await this.#ctx.db.select(ASKED).from(workers).where(this.#isThis);
    this.#obey(asked);
  }

  #obey(asked: Asked | undefined): void {
    this.#jobEvents.reportUntil(asked?.watchedUntil ?? null);
    if (this.#isStopping || !asked?.stoppingAt) return;
    this.#isStopping = true;
    this.#ctx.log.info({ workerId: this.id }, "an operator shuts this worker down");
    this.#shutDown();
  }
}

/** The facts that stay the same while the worker runs. */
function factsOf(ctx: OpenContext, id: string) {
  return {
    id,
    host: hostname(),
    pid: process.pid,
    version: packageJson.version,
    queues: queuesTaken(ctx),
    startedAt: sql`statement_timestamp()`,
  };
}

function runningJobs({ queue, now }: OpenContext): RunningJob[] {
  const sinceOf = (startedAt: number) => new Date(now().getTime() - (performance.now() - startedAt));
  return queue.running.list().map(({ job, id, startedAt, payload }) => ({
    job,
    id,
    since: sinceOf(startedAt).toISOString(),
    ...subjectOf(payload),
  }));
}

/** The things that a job works on. Payloads have ids only. */
function subjectOf(payload: unknown): Pick<RunningJob, "taskId" | "batchId" | "workflowId"> {
  const { taskId = null, batchId = null, workflowId = null } = (payload ?? {}) as Record<string, string>;
  return { taskId, batchId, workflowId };
}

/** The concurrency of each queue that this worker takes, by queue. */
function queuesTaken({ config }: OpenContext): Record<string, number> {
  const taken = QUEUES.filter((queue) => config.workerQueues?.has(queue) ?? true);
  return Object.fromEntries(
    taken.map((queue) => [queue, concurrencyOf({ queue, concurrency: "worker" }, config)]),
  );
}

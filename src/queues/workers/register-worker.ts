import { hostname } from "node:os";
import { eq, sql } from "drizzle-orm";
import packageJson from "../../../package.json" with { type: "json" };
import { inTransaction, type OpenContext } from "../../context.ts";
import { QUEUES } from "../../jobs.ts";
import { uuidV7 } from "../../platform/ids.ts";
import { concurrencyOf } from "../../platform/queue/queue.ts";
import { type CountedWork, type RunningJob, workers } from "../../schema/workers.ts";
import { countWork, totalOf } from "./count-work.ts";
import { workerLife } from "./queries.ts";
import { JobEventReporter } from "./report-job-events.ts";
import { WORKER_CHANNEL } from "./shut-down-worker.ts";
import { StatsOfWorker } from "./worker-stats.ts";

export interface RegisteredWorker extends AsyncDisposable {
  readonly id: string;
  /** Shows in the list that the worker is stopping. */
  markStopping(): Promise<void>;
}

/**
 * Reports this worker, its running jobs and its statistics to the table of workers every few seconds until disposed of.
 * @param shutDown called when an operator has asked this worker to stop
 */
export async function registerWorker(ctx: OpenContext, shutDown: () => void): Promise<RegisteredWorker> {
  const id = uuidV7(ctx.now());
  const stats = new StatsOfWorker(ctx.activity);
  const isThis = eq(workers.id, id);
  const facts = {
    id,
    host: hostname(),
    pid: process.pid,
    version: packageJson.version,
    queues: queuesTaken(ctx),
    startedAt: sql`statement_timestamp()`,
  };
  let isStopping = false;
  /** Of the last report. If the row was removed meanwhile, a new one must not count this work again. */
  let counted: CountedWork | null = null;
  const jobEvents = new JobEventReporter(ctx, id);
  const asked = { stoppingAt: workers.stoppingAt, watchedUntil: workers.watchedUntil };
  const obey = ([row]: readonly {
    readonly stoppingAt: Date | null;
    readonly watchedUntil: Date | null;
  }[]) => {
    jobEvents.reportUntil(row?.watchedUntil ?? null);
    if (isStopping || !row?.stoppingAt) return;
    isStopping = true;
    ctx.log.info({ workerId: id }, "an operator shuts this worker down");
    shutDown();
  };
  const report = async () => {
    const sinceOf = (startedAt: number) => new Date(ctx.now().getTime() - (performance.now() - startedAt));
    const running = ctx.queue.running.list().map(({ job, id, startedAt, payload }) => ({
      job,
      id,
      since: sinceOf(startedAt).toISOString(),
      ...subjectOf(payload),
    }));
    const now = { running, stats: stats.report(), lastSeenAt: sql`statement_timestamp()` };
    const reported = await ctx.db
      .insert(workers)
      .values({ ...facts, ...now, counted })
      .onConflictDoUpdate({ target: workers.id, set: now })
      .returning(asked);
    counted = totalOf(now.stats);
    obey(reported);
  };
  await report();
  ctx.log.info({ workerId: id }, "worker registered");
  const signs = workerLife.start(report, (error) =>
    ctx.log.warn({ err: error }, "could not record the sign of life of this worker"),
  );
  const look = () => ctx.db.select(asked).from(workers).where(isThis);
  const stopListening = ctx.listener.listen(WORKER_CHANNEL, (worker) => {
    // The next sign of life looks again.
    if (worker === id || worker === null) void look().then(obey, () => {});
  });
  return {
    id,
    async markStopping() {
      isStopping = true;
      const stoppingAt = sql`coalesce(${workers.stoppingAt}, statement_timestamp())`;
      // The worker stops even if the database does not answer.
      await ctx.db
        .update(workers)
        .set({ stoppingAt })
        .where(isThis)
        .catch(() => {});
    },
    async [Symbol.asyncDispose]() {
      stopListening();
      jobEvents[Symbol.dispose]();
      signs[Symbol.dispose]();
      await signs.settled();
      try {
        await report();
        await inTransaction(ctx, async (tx) => {
          await countWork(tx, id);
          await tx.db.delete(workers).where(isThis);
        });
      } catch (error) {
        // `removeLostWorkers` removes the row later.
        ctx.log.warn({ err: error }, "could not remove this worker from the list");
      }
    },
  };
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

/** Binds each job to its verb. The types require a handler for every job. */
import Value from "typebox/value";
import { removeOldLoginCounters } from "./accounts/login-counters.ts";
import { removeExpiredSessions } from "./accounts/sessions/remove-expired-sessions.ts";
import { removeExpiredTokens } from "./accounts/tokens/remove-expired-tokens.ts";
import { processChunk } from "./batches/process/process-chunk.ts";
import { processWhole } from "./batches/process/process-whole.ts";
import { reverseRows } from "./batches/process/reverse-rows.ts";
import { announceBatch } from "./batches/upkeep/announce-batch.ts";
import { reconcile } from "./batches/upkeep/reconcile.ts";
import { removeOldBatches } from "./batches/upkeep/remove-old-batches.ts";
import type { Context, OpenContext, Tx } from "./context.ts";
import { ConfigError } from "./errors.ts";
import { removeDeadFiles } from "./files/remove-files.ts";
import { removeUnusedFiles } from "./files/remove-unused-files.ts";
import { removeStaleKeys } from "./idempotency/claim-key.ts";
import { type JobName, jobs, type Payload, QUEUES } from "./jobs.ts";
import type { Delivery } from "./platform/queue/queue.ts";
import { followPauses } from "./queues/follow-pauses.ts";
import { removeLostWorkers } from "./queues/remove-lost-workers.ts";
import { runTask } from "./tasks/run/run-task.ts";
import { reconcileTasks } from "./tasks/upkeep/reconcile-tasks.ts";
import { removeOldTasks } from "./tasks/upkeep/remove-old-tasks.ts";

interface JobInput<N extends JobName> {
  readonly payload: Payload<N>;
  readonly delivery: Delivery;
  /** The transaction that also completes the job; null for jobs that are not transactional. */
  readonly tx: (typeof jobs)[N]["transactional"] extends true ? Tx : null;
}

type Handlers = {
  readonly [N in JobName]: (ctx: Context, input: JobInput<N>) => Promise<object | undefined>;
};

export const handlers: Handlers = {
  processChunk: (ctx, { payload, delivery, tx }) => processChunk(ctx, tx, payload, delivery),
  processWhole: (ctx, { payload, delivery, tx }) => processWhole(ctx, tx, payload.batchId, delivery),
  undoBatch: (ctx, { payload, delivery }) => reverseRows(ctx, payload.batchId, delivery),
  runBulkTask: (ctx, { payload, delivery }) => runTask(ctx, payload, delivery),
  runFileTask: (ctx, { payload, delivery }) => runTask(ctx, payload, delivery),
  runTask: (ctx, { payload, delivery }) => runTask(ctx, payload, delivery),
  runNotification: (ctx, { payload, delivery }) => runTask(ctx, payload, delivery),
  batchFinished: (ctx, { payload }) => announceBatch(ctx, payload.batchId),
  reconcile: async (ctx) => {
    const filesRemoved = await removeDeadFiles(ctx);
    return { ...(await reconcile(ctx)), ...(await reconcileTasks(ctx)), filesRemoved };
  },
  clean: async (ctx) => {
    const removed = {
      batchesRemoved: await removeOldBatches(ctx),
      tasksRemoved: await removeOldTasks(ctx),
      filesRemoved: await removeUnusedFiles(ctx),
      sessionsRemoved: await removeExpiredSessions(ctx),
      loginCountersRemoved: await removeOldLoginCounters(ctx),
      tokensRemoved: await removeExpiredTokens(ctx),
      keysRemoved: await removeStaleKeys(ctx),
      workersRemoved: await removeLostWorkers(ctx),
    };
    ctx.log.info(removed, "cleanup finished");
    return removed;
  },
};

/**
 * Starts taking jobs from the queues in WORKER_QUEUES that are not paused. To stop taking jobs, stop `ctx.queue`;
 * disposing of the result only stops following pauses.
 * @throws ConfigError if WORKER_QUEUES names an unknown queue
 */
export async function takeJobs(ctx: OpenContext): Promise<Disposable> {
  const names = jobsOf(ctx.config.workerQueues);
  const pauses = await followPauses(ctx);
  for (const name of names) await takeJob(ctx, name);
  return pauses;
}

function jobsOf(queues: ReadonlyMap<string, number> | null): JobName[] {
  const unknown = [...(queues?.keys() ?? [])].find((queue) => !QUEUES.some((known) => known === queue));
  if (unknown) throw new ConfigError(`WORKER_QUEUES: "${unknown}" is not one of: all, ${QUEUES.join(", ")}.`);
  const names = Object.keys(jobs) as JobName[];
  return names.filter((name) => queues === null || queues.has(jobs[name].queue));
}

function takeJob<N extends JobName>(ctx: OpenContext, name: N): Promise<void> {
  const contract = jobs[name];
  return ctx.queue.work(contract, async (delivery, transaction) => {
    const payload = Value.Parse(contract.payload, delivery.payload) as Payload<N>;
    const jobCtx: Context = { ...ctx, requestId: delivery.id, log: ctx.log.child({ jobId: delivery.id }) };
    const tx = (transaction && { ...jobCtx, ...transaction }) as JobInput<N>["tx"];
    return handlers[name](jobCtx, { payload, delivery, tx });
  });
}

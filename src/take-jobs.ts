/** Lets a worker take jobs. */
import { Compile } from "typebox/compile";
import { isSingleRow, splitChunk } from "./batches/process/split-chunk.ts";
import type { Context } from "./context.ts";
import { ConfigError } from "./errors.ts";
import { handlers, type JobInput } from "./handlers.ts";
import { type JobName, jobs, type Payload, QUEUES } from "./jobs.ts";
import { runLoneJob } from "./lone-jobs.ts";
import type { OpenContext } from "./open-context.ts";
import { type Delivery, ProcessCrashed } from "./platform/queue/delivery.ts";
import { followPauses } from "./queues/follow-pauses.ts";
import { storeBuiltins } from "./schedules/builtins.ts";
import { followLanes } from "./tasks/lanes/follow-lanes.ts";
import { followLimits } from "./tasks/limits/follow-limits.ts";
import { findTaskType } from "./tasks/types/registry.ts";

/**
 * Starts taking jobs from the queues in WORKER_QUEUES that are not paused. To stop taking jobs, stop `ctx.queue`;
 * disposing of the result only stops following pauses and limits.
 * @throws ConfigError if WORKER_QUEUES names an unknown queue
 */
export async function takeJobs(ctx: OpenContext): Promise<Disposable> {
  const names = jobsOf(ctx.config.workerQueues);
  await storeBuiltins(ctx);
  const following = new DisposableStack();
  following.use(await followPauses(ctx));
  following.use(await followLimits(ctx));
  if (names.includes("runHttpTask")) following.use(followLanes(ctx));
  for (const name of names) await takeJob(ctx, name);
  return following;
}

function jobsOf(queues: ReadonlyMap<string, number> | null): JobName[] {
  const unknown = [...(queues?.keys() ?? [])].find((queue) => !QUEUES.some((known) => known === queue));
  if (unknown) throw new ConfigError(`WORKER_QUEUES: "${unknown}" is not one of: all, ${QUEUES.join(", ")}.`);
  const names = Object.keys(jobs) as JobName[];
  return names.filter((name) => queues === null || queues.has(jobs[name].queue));
}

/** Mails and tasks run in sets, except tasks whose start needs a decision of its own, or continues an attempt. */
function kindOf(name: JobName, payload: unknown): string | null {
  if (name === "sendMail") return name;
  const { type, continued } = (payload ?? {}) as Partial<Payload<"runTask">>;
  if (type === undefined || continued) return null;
  const known = findTaskType(type);
  return known && !known.paceOf ? type : null;
}

function takeJob<N extends JobName>(ctx: OpenContext, name: N): Promise<void> {
  const contract = jobs[name];
  const contextOf = ({ id }: Delivery): Context => ({
    ...ctx,
    requestId: id,
    log: ctx.log.child({ jobId: id }),
  });
  const check = Compile(contract.payload);
  const payloadOf = (payload: unknown) => check.Parse(payload) as Payload<N>;
  return ctx.queue.work(contract, {
    run: async (delivery, transaction) => {
      const jobCtx = contextOf(delivery);
      const tx = (transaction && { ...jobCtx, ...transaction }) as JobInput<N>["tx"];
      return handlers[name](jobCtx, { payload: payloadOf(delivery.payload), delivery, tx });
    },
    runAlone: async (delivery) => {
      const payload = payloadOf(delivery.payload);
      // A chunk of many rows is divided after one crash. Otherwise a second crash confirms that the job is at fault.
      const tries = "firstRow" in payload && !(await isSingleRow(ctx, payload)) ? 1 : 2;
      return runLoneJob(contextOf(delivery), name, { ...delivery, payload }, tries);
    },
    kindOf: (payload) => kindOf(name, payload),
    mustRunAlone: (payload) => (payload as { isAlone?: boolean } | null)?.isAlone === true,
    giveUp: async ({ payload: unread }, error) => {
      const payload = payloadOf(unread);
      // The reconciler ends batches and tasks whose jobs have failed.
      if (!("firstRow" in payload)) return false;
      await splitChunk(ctx, payload, error instanceof ProcessCrashed ? "crashed" : "gaveUp");
      return true;
    },
  });
}

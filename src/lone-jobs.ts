/** Jobs that run in a process of their own, because the process that ran them before has ended. */
import { fileURLToPath } from "node:url";
import { environmentFor } from "./config/config.ts";
import { type Context, inTransaction } from "./context.ts";
import { handlers, type JobInput } from "./handlers.ts";
import { type JobName, jobs, type Payload } from "./jobs.ts";
import { describeError } from "./platform/log.ts";
import { isTransient, TransientError } from "./platform/postgres/database.ts";
import { Child, ChildCrashed } from "./platform/process/run-child.ts";
import { type Delivery, ProcessCrashed } from "./platform/queue/delivery.ts";
import { Later } from "./platform/queue/later.ts";
import { readLimitedTypes } from "./tasks/limits/follow-limits.ts";

/** One for all such jobs, because it needs the memory of a worker. */
const child = new Child(fileURLToPath(new URL("lone-job.ts", import.meta.url)));

/** The child needs few connections. */
const ONE_AT_A_TIME = { WORKER_QUEUES: "all", WORKER_CONCURRENCY: "1", DATABASE_POOL_MAX: "10" };

interface LoneJob {
  readonly name: JobName;
  readonly id: string;
  readonly payload: object;
  readonly attempt: number;
  readonly traceparent: string | null;
}

type Answer =
  | { readonly kind: "result"; readonly result: object | undefined }
  | ({ readonly kind: "later" } & Later)
  | { readonly kind: "error"; readonly message: string; readonly isTransient: boolean };

/**
 * Runs the job in a child process.
 * @param tries how often the job may end its process
 * @throws ProcessCrashed
 */
export async function runLoneJob(
  ctx: Context,
  name: JobName,
  { id, payload, attempt, signal }: Delivery,
  tries: number,
): Promise<object | Later | undefined> {
  const env = environmentFor(ctx.config, ctx.config.databaseUrl, { ...ctx.config.env, ...ONE_AT_A_TIME });
  const job: LoneJob = {
    name,
    id,
    payload: payload as object,
    attempt,
    traceparent: ctx.tracing.traceparent(),
  };
  for (let crashes = 1; ; crashes++) {
    ctx.log.warn({ job: jobs[name].name }, "running a job alone: the process that ran it has ended");
    try {
      return resultOf((await child.run(job, env, signal)) as Answer);
    } catch (error) {
      if (!(error instanceof ChildCrashed)) throw error;
      ctx.log.error({ err: error, job: jobs[name].name, crashes }, "a job has ended its process");
      if (crashes >= tries) throw new ProcessCrashed("The job ends its process.", { cause: error });
    }
  }
}

function resultOf(answer: Answer): object | Later | undefined {
  if (answer.kind === "result") return answer.result;
  if (answer.kind === "later") return new Later(answer.afterSeconds, answer.payload, answer);
  throw answer.isTransient ? new TransientError(answer.message) : new Error(answer.message);
}

/** In the child: runs the job and sends the answer. The worker completes the job afterwards. */
export async function answerLoneJob(ctx: Context, message: unknown): Promise<void> {
  const { name, id, payload, attempt, traceparent } = message as LoneJob;
  const delivery = { id, payload, attempt, signal: new AbortController().signal };
  const jobCtx = { ...ctx, requestId: id, log: ctx.log.child({ jobId: id }) };
  let answer: Answer;
  try {
    // This process does not follow limits.
    await readLimitedTypes(ctx);
    const options = { kind: "internal", parent: traceparent } as const;
    const work = () => run(jobCtx, name, delivery);
    const outcome = await ctx.tracing.span(`${jobs[name].name} alone`, options, work);
    answer = outcome instanceof Later ? { kind: "later", ...outcome } : { kind: "result", result: outcome };
  } catch (error) {
    answer = { kind: "error", message: describeError(error).message, isTransient: isTransient(error) };
  }
  process.send?.(answer);
}

function run<N extends JobName>(
  ctx: Context,
  name: N,
  delivery: Delivery,
): Promise<object | Later | undefined> {
  const input = { payload: delivery.payload as Payload<N>, delivery };
  if (!jobs[name].transactional) return handlers[name](ctx, { ...input, tx: null } as JobInput<N>);
  return inTransaction(ctx, (tx) => handlers[name](ctx, { ...input, tx } as JobInput<N>));
}

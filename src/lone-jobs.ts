/** Jobs that run in a process of their own, because the process that ran them before has ended. */
import { fileURLToPath } from "node:url";
import pLimit from "p-limit";
import { environmentFor } from "./config/config.ts";
import { type Context, inTransaction } from "./context.ts";
import { handlers, type JobInput } from "./handlers.ts";
import { type JobName, jobs, type Payload } from "./jobs.ts";
import { describeError } from "./platform/log.ts";
import { isTransient, TransientError } from "./platform/postgres/database.ts";
import { ChildCrashed, runChild } from "./platform/process/run-child.ts";
import { type Delivery, ProcessCrashed } from "./platform/queue/delivery.ts";
import { Later } from "./platform/queue/later.ts";

const SCRIPT = fileURLToPath(new URL("lone-job.ts", import.meta.url));

/** Each needs the memory of a worker. */
const inTurn = pLimit(1);

interface LoneJob {
  readonly name: JobName;
  readonly id: string;
  readonly payload: object;
  readonly attempt: number;
}

type Answer =
  | { readonly kind: "result"; readonly result: object | undefined }
  | { readonly kind: "later"; readonly afterSeconds: number; readonly payload: object }
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
  const env = environmentFor(ctx.config, ctx.config.databaseUrl, ctx.config.env);
  const job: LoneJob = { name, id, payload: payload as object, attempt };
  for (let crashes = 1; ; crashes++) {
    ctx.log.warn({ job: jobs[name].name }, "running a job alone: the process that ran it has ended");
    try {
      const run = () => runChild({ script: SCRIPT, env, message: job, signal });
      return resultOf((await inTurn(run)) as Answer);
    } catch (error) {
      if (!(error instanceof ChildCrashed)) throw error;
      ctx.log.error({ err: error, job: jobs[name].name, crashes }, "a job has ended its process");
      if (crashes >= tries) throw new ProcessCrashed("The job ends its process.", { cause: error });
    }
  }
}

function resultOf(answer: Answer): object | Later | undefined {
  if (answer.kind === "result") return answer.result;
  if (answer.kind === "later") return new Later(answer.afterSeconds, answer.payload);
  throw answer.isTransient ? new TransientError(answer.message) : new Error(answer.message);
}

/** In the child: runs the job and sends the answer. The worker completes the job afterwards. */
export async function answerLoneJob(ctx: Context, message: unknown): Promise<void> {
  const { name, id, payload, attempt } = message as LoneJob;
  const delivery = { id, payload, attempt, signal: new AbortController().signal };
  const jobCtx = { ...ctx, requestId: id, log: ctx.log.child({ jobId: id }) };
  let answer: Answer;
  try {
    const outcome = await run(jobCtx, name, delivery);
    answer =
      outcome instanceof Later
        ? { kind: "later", afterSeconds: outcome.afterSeconds, payload: outcome.payload }
        : { kind: "result", result: outcome };
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

import { and, eq, sql } from "drizzle-orm";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { storableJson } from "../../platform/postgres/storable.ts";
import { backoffSeconds } from "../../platform/queue/backoff.ts";
import { tasks } from "../../schema/tasks.ts";
import { cancelNext, releaseNext } from "../control/chain.ts";
import { withNewJobs } from "../control/retry-task.ts";
import { type Task, transition } from "../transitions.ts";
import type { TaskResult } from "../types/task-type.ts";
import type { Failure, Outcome } from "./outcomes.ts";

/**
 * Records the outcome of an attempt, with all that follows from it.
 * @returns the task as it is now; undefined where the attempt does not count any more, then nothing was changed
 */
export async function endTask(ctx: Context, task: Task, outcome: Outcome): Promise<Task | undefined> {
  const mayRetry = outcome.kind === "retry" && task.retryCount < task.maxRetries;
  if (mayRetry) return inTransaction(ctx, (tx) => retryLater(tx, task, outcome));
  const end = (at: Context) =>
    outcome.kind === "done" ? complete(at, task, outcome.result) : fail(at, task, outcome);
  if (!task.hasNext) return end(ctx);
  return inTransaction(ctx, async (tx) => {
    const ended = await end(tx);
    if (ended?.status === "completed") await releaseNext(tx, ended);
    else if (ended) await cancelNext(tx, [ended]);
    return ended;
  });
}

/** Whoever has begun it later has raised `attempt`. */
const isMine = ({ id, attempt }: Task) => and(eq(tasks.id, id), eq(tasks.attempt, attempt));
const now = sql`statement_timestamp()`;

async function complete(ctx: Context, task: Task, result: TaskResult): Promise<Task | undefined> {
  const changes = {
    progress: 100,
    result: sql`${storableJson(result)}::json`,
    errorMessage: null,
    completedAt: now,
  };
  const [ended] = await transition(ctx, "complete", isMine(task), changes, { message: result.message });
  return ended;
}

async function fail(ctx: Context, task: Task, { code, message }: Failure): Promise<Task | undefined> {
  const changes = { errorCode: code, errorMessage: message, completedAt: now };
  const [ended] = await transition(ctx, "fail", isMine(task), changes, { message, metadata: { code } });
  return ended;
}

async function retryLater(tx: Tx, task: Task, failure: Failure): Promise<Task | undefined> {
  const { code, message, afterSeconds = 0 } = failure;
  const retry = task.retryCount + 1;
  const delaySeconds = Math.max(afterSeconds, backoffSeconds(retry));
  const changes = {
    run: sql`${tasks.run} + 1`,
    retryCount: retry,
    errorMessage: message,
    dueAt: sql`statement_timestamp() + make_interval(secs => ${delaySeconds})`,
  };
  const metadata = { code, retry, after_seconds: Math.round(delaySeconds * 10) / 10 };
  const changed = await transition(tx, "retryLater", isMine(task), changes, { message, metadata });
  const [waiting] = await withNewJobs(tx, changed, delaySeconds);
  return waiting;
}

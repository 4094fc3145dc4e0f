import { sql } from "drizzle-orm";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { storableJson } from "../../platform/postgres/storable.ts";
import { backoffSeconds } from "../../platform/queue/backoff.ts";
import { tasks } from "../../schema/tasks.ts";
import { withNewJobs } from "../control/retry-task.ts";
import { cancelWaiting, releaseWaiting } from "../control/sequence.ts";
import { isAttempt, type Task, transition } from "../transitions.ts";
import type { TaskResult } from "../types/task-type.ts";
import { completeTogether, type EndedTask } from "./complete-together.ts";
import type { Failure, Outcome } from "./outcomes.ts";

/**
 * Records the outcome of an attempt and its consequences: another attempt, the next task of a sequence, or the job that
 * advances its workflow. Tasks that complete at about the same time share a statement.
 * @returns the changed task; undefined if the task was cancelled, deleted or started by another worker meanwhile
 */
export async function endTask(ctx: Context, task: Task, outcome: Outcome): Promise<EndedTask | undefined> {
  const mayRetry = outcome.kind === "retry" && task.retryCount < task.maxRetries;
  if (mayRetry) return inTransaction(ctx, (tx) => retryLater(tx, task, outcome));
  const end = (within: Context) =>
    outcome.kind === "done" ? complete(within, task, outcome.result) : fail(within, task, outcome);
  if (!task.hasNext && task.workflowId === null) {
    if (outcome.kind !== "done" || ctx.actor) return end(ctx);
    return (await completeTogether(ctx, task, outcome.result)) ?? (await end(ctx));
  }
  return inTransaction(ctx, async (tx) => {
    const ended = await end(tx);
    if (ended?.status === "completed") await releaseWaiting(tx, ended);
    else if (ended) await cancelWaiting(tx, [ended]);
    return ended;
  });
}

const now = sql`statement_timestamp()`;

async function complete(ctx: Context, task: Task, result: TaskResult): Promise<Task | undefined> {
  const changes = {
    progress: 100,
    result: sql`${storableJson(result)}::json`,
    errorMessage: null,
    completedAt: now,
  };
  const [ended] = await transition(ctx, "complete", isAttempt(task), changes, { message: result.message });
  return ended;
}

async function fail(ctx: Context, task: Task, { code, message }: Failure): Promise<Task | undefined> {
  const changes = { errorCode: code, errorMessage: message, completedAt: now };
  const [ended] = await transition(ctx, "fail", isAttempt(task), changes, { message, metadata: { code } });
  return ended;
}

async function retryLater(tx: Tx, task: Task, failure: Failure): Promise<Task | undefined> {
  const { code, message, afterSeconds = 0, isExact = false } = failure;
  const retry = task.retryCount + 1;
  const delaySeconds = isExact ? afterSeconds : Math.max(afterSeconds, backoffSeconds(retry));
  const changes = {
    run: sql`${tasks.run} + 1`,
    retryCount: retry,
    errorMessage: message,
    dueAt: sql`statement_timestamp() + make_interval(secs => ${delaySeconds})`,
  };
  const metadata = { code, retry, after_seconds: Math.round(delaySeconds * 10) / 10 };
  const changed = await transition(tx, "retryLater", isAttempt(task), changes, { message, metadata });
  const [waiting] = await withNewJobs(tx, changed, delaySeconds);
  return waiting;
}

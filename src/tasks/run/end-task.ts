import { and, eq, sql } from "drizzle-orm";
import { type Context, inTransaction } from "../../context.ts";
import { backoffSeconds } from "../../platform/backoff.ts";
import { storableJson } from "../../platform/storable.ts";
import { tasks } from "../../schema/tasks.ts";
import { cancelNext, releaseNext } from "../chain.ts";
import { withNewJobs } from "../retry-task.ts";
import { type Task, takeEdge } from "../take-edge.ts";
import type { TaskResult } from "../task-type.ts";
import type { Outcome } from "./outcomes.ts";

/**
 * Records the outcome of an attempt, with all that follows from it.
 * @returns the task as it is now; undefined where the attempt does not count any more, then nothing was changed
 */
export function endTask(ctx: Context, task: Task, outcome: Outcome): Promise<Task | undefined> {
  return inTransaction(ctx, (tx) => {
    if (outcome.kind === "done") return complete(tx, task, outcome.result);
    const { code, message } = outcome;
    const mayRetry = outcome.kind === "retry" && task.retryCount < task.maxRetries;
    if (!mayRetry) return fail(tx, task, code, message);
    return retryLater(tx, task, code, message, outcome.afterSeconds);
  });
}

/** Whoever has begun it later has raised `attempt`. */
const isMine = ({ id, attempt }: Task) => and(eq(tasks.id, id), eq(tasks.attempt, attempt));
const now = sql`statement_timestamp()`;

async function complete(tx: Context, task: Task, result: TaskResult): Promise<Task | undefined> {
  const changes = {
    progress: 100,
    result: sql`${storableJson(result)}::jsonb`,
    errorMessage: null,
    completedAt: now,
  };
  const [ended] = await takeEdge(tx, "complete", isMine(task), changes, { message: result.message });
  if (ended) await releaseNext(tx, ended);
  return ended;
}

async function fail(
  tx: Context,
  task: Task,
  errorCode: string,
  errorMessage: string,
): Promise<Task | undefined> {
  const changes = { errorCode, errorMessage, completedAt: now };
  const note = { message: errorMessage, metadata: { code: errorCode } };
  const ended = await takeEdge(tx, "fail", isMine(task), changes, note);
  await cancelNext(tx, ended);
  return ended[0];
}

async function retryLater(
  tx: Context,
  task: Task,
  code: string,
  errorMessage: string,
  afterSeconds = 0,
): Promise<Task | undefined> {
  const delaySeconds = Math.max(afterSeconds, backoffSeconds(task.retryCount + 1));
  const changes = {
    run: sql`${tasks.run} + 1`,
    retryCount: sql`${tasks.retryCount} + 1`,
    errorMessage,
    dueAt: sql`statement_timestamp() + make_interval(secs => ${delaySeconds})`,
  };
  const metadata = { code, retry: task.retryCount + 1, after_seconds: Math.round(delaySeconds * 10) / 10 };
  const note = { message: errorMessage, metadata };
  const [ended] = await withNewJobs(
    tx,
    await takeEdge(tx, "retryLater", isMine(task), changes, note),
    delaySeconds,
  );
  return ended;
}

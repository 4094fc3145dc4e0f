import { and, eq, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { Permanent, Retryable } from "../../errors.ts";
import { removeFiles } from "../../files/remove-files.ts";
import type { Delivery } from "../../platform/queue/queue.ts";
import { tasks } from "../../schema/tasks.ts";
import { type Task, transition } from "../transitions.ts";
import { findTaskType } from "../types/registry.ts";
import type { TaskType } from "../types/task-type.ts";
import { endTask } from "./end-task.ts";
import { withInput } from "./input.ts";
import { type Outcome, outcomeOf } from "./outcomes.ts";
import { Progress } from "./progress.ts";
import { watchTask } from "./watch-task.ts";

/**
 * Does a task's work once and records what came of it, unless it was cancelled, deleted or begun by another meanwhile.
 * Undefined: there was nothing to do, or nobody asks for it any more.
 * @throws what made the worker give up, where the job is to be delivered again: it stops, or lost its claim
 */
export async function runTask(
  ctx: Context,
  { taskId, run }: { taskId: string; run: number },
  delivery: Delivery,
): Promise<object | undefined> {
  const startedAt = performance.now();
  const task = await startTask(ctx, taskId, run);
  if (!task) return undefined;
  const log = ctx.log.child({ taskId, type: task.type, attempt: task.attempt });
  log.info("task received");
  const made: string[] = [];
  const outcome = await attempt(ctx, task, made, delivery);
  const ended = outcome && (await endTask(ctx, task, outcome));
  if (ended?.status !== "completed" && made.length > 0) await removeFiles(ctx, made);
  const ms = Math.round(performance.now() - startedAt);
  if (!ended) {
    log.info({ ms }, "task stopped: it was cancelled, deleted or taken up by another");
    return undefined;
  }
  log.info({ ms, code: ended.errorCode ?? undefined }, `task ${SAID[outcome.kind]}`);
  return { status: ended.status };
}

const SAID = { done: "succeeded", failed: "failed", retry: "failed and is tried again" } as const;

/** Whoever begins it last is the one whose outcome counts. Null: it has ended, or has another job by now. */
async function startTask(ctx: Context, taskId: string, run: number): Promise<Task | null> {
  const isThisRun = and(eq(tasks.id, taskId), eq(tasks.run, run));
  const changes = { attempt: sql`${tasks.attempt} + 1`, progress: 0, startedAt: sql`statement_timestamp()` };
  const [started] = await transition(ctx, "start", isThisRun, changes);
  if (started) return started;
  const resumed = { message: "Taken up from a worker that was lost or stopped." };
  const [task] = await transition(ctx, "resume", isThisRun, changes, resumed);
  return task ?? null;
}

/** Null: whatever came of it does not count any more. */
async function attempt(
  ctx: Context,
  task: Task,
  made: string[],
  delivery: Delivery,
): Promise<Outcome | null> {
  const type = findTaskType(task.type);
  if (!type) {
    const text = `This version of Rowmill has no task type "${task.type}".`;
    return outcomeOf(new Permanent("unknown_type", text));
  }
  using watch = watchTask(ctx, task);
  const timeout = AbortSignal.timeout(type.limits.timeoutSeconds * 1000);
  const signal = AbortSignal.any([delivery.signal, watch.signal, timeout]);
  await using progress = new Progress(ctx, task);
  try {
    const { params } = task;
    const own = { task, signal, progress, made };
    const result = await withInput(ctx, own, (input) => type.run(ctx, { ...input, params }));
    return watch.signal.aborted ? null : { kind: "done", result };
  } catch (error) {
    if (watch.signal.aborted) return null;
    delivery.signal.throwIfAborted();
    return outcomeOf(timeout.aborted ? timedOut(type, error) : error);
  }
}

function timedOut({ limits }: TaskType, cause: unknown): Retryable {
  return new Retryable("timed_out", `It took more than ${limits.timeoutSeconds} s.`, { cause });
}

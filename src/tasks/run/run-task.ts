import { and, eq, sql } from "drizzle-orm";
import type { AttemptOutcome } from "../../activity.ts";
import type { Context } from "../../context.ts";
import { ContinueLater, Permanent, Retryable } from "../../errors.ts";
import { removeFiles } from "../../files/remove-files.ts";
import type { Payload } from "../../jobs.ts";
import { isFromDatabase, isTransient } from "../../platform/postgres/database.ts";
import type { Delivery, Turn } from "../../platform/queue/delivery.ts";
import { Later } from "../../platform/queue/later.ts";
import { type TaskStatus, tasks } from "../../schema/tasks.ts";
import { takeSlot } from "../lanes/take-slot.ts";
import { giveUpSlot } from "../lanes/wake-waiting.ts";
import { startWithinLimit } from "../limits/start-within-limit.ts";
import { type Task, transition } from "../transitions.ts";
import { findTaskType } from "../types/registry.ts";
import type { TaskType } from "../types/task-type.ts";
import { endTask } from "./end-task.ts";
import { limitTime } from "./limit-time.ts";
import { type Outcome, outcomeOf, successOf } from "./outcomes.ts";
import { Progress } from "./progress.ts";
import { handBack, RESUMED, startTogether, startTogetherWithinLimit } from "./start-together.ts";
import { storeStack } from "./store-stack.ts";
import { watchTask } from "./watch-task.ts";
import { withInput } from "./with-input.ts";

/** An attempt with its outcome. */
interface Attempt {
  readonly task: Task;
  /** On the clock of `performance.now()`. */
  readonly startedAt: number;
  readonly createdFileIds: string[];
  /** null: the task was cancelled, deleted or started by another worker meanwhile. */
  readonly outcome: Outcome | ContinueLater | null;
}

/** Results above this size are recorded before the next task of the set runs, so that they do not add up in memory. */
const LARGE_RESULT_BYTES = 64 * 1024;

const ALONE: Turn = { isShared: false, take: async (work) => ({ result: await work() }) };

/**
 * Runs one attempt of a task and records its outcome. The tasks of a set are started together, run one after the other,
 * and end together.
 * @returns a `Later` if the attempt continues; undefined if there is nothing to run, or if the task was cancelled, deleted or started by another worker
 * @throws the reason of `delivery.signal` if the worker stops or lost the job; the job is then delivered again
 */
export async function runTask(
  ctx: Context,
  work: Payload<"runTask">,
  delivery: Delivery,
): Promise<object | Later | undefined> {
  const { turn = ALONE } = delivery;
  const started = await startBefore(ctx, work, delivery, turn);
  if (started === null) return undefined;
  if (started instanceof Later) return started;
  const taken = await turn.take(
    async () => {
      if (delivery.signal.aborted) return null;
      const current = await begin(ctx, started, work, delivery);
      return isLarge(current) ? { ended: await end(ctx, work, current) } : { current };
    },
    (run) => hasOutcome(run?.current) && run.current.outcome instanceof ContinueLater,
  );
  if (!taken?.result) {
    if (started !== "inTurn") await handBack(ctx, started);
    delivery.signal.throwIfAborted();
    return new Later(0, work, { isCounted: false, isUntouched: true });
  }
  const { ended, current } = taken.result;
  return hasOutcome(current) ? end(ctx, work, current) : (current ?? ended);
}

function hasOutcome(current: Attempt | Later | undefined): current is Attempt {
  return current !== undefined && !(current instanceof Later);
}

function isLarge(current: Attempt | Later | undefined): current is Attempt {
  if (!hasOutcome(current) || !current.outcome || current.outcome instanceof ContinueLater) return false;
  const { outcome } = current;
  return outcome.kind === "done" && Buffer.byteLength(JSON.stringify(outcome.result)) > LARGE_RESULT_BYTES;
}

/** @returns a `Later` if the task waits for its turn; undefined if there is nothing to run */
async function begin(
  ctx: Context,
  started: Task | "inTurn",
  work: Payload<"runTask">,
  delivery: Delivery,
): Promise<Attempt | Later | undefined> {
  const startedAt = performance.now();
  const { taskId, run, continued } = work;
  const inTurn = () =>
    continued ? findRunning(ctx, taskId, run, continued.attempt) : startOrWait(ctx, work, delivery);
  const task = started === "inTurn" ? await inTurn() : started;
  if (!task) return undefined;
  if (task instanceof Later) return task;
  if (!continued) ctx.log.info(factsOf(task), "task received");
  const createdFileIds: string[] = [];
  const outcome = await attempt(ctx, task, { createdFileIds, state: continued?.state ?? null }, delivery);
  return { task, startedAt, createdFileIds, outcome };
}

async function end(
  ctx: Context,
  { taskId, run, continued }: Payload<"runTask">,
  { task, startedAt, createdFileIds, outcome }: Attempt,
): Promise<object | Later | undefined> {
  if (outcome instanceof ContinueLater) {
    const { afterSeconds, state, isCounted } = outcome;
    const continuing = { taskId, run, type: task.type, continued: { attempt: task.attempt, state } };
    return new Later(afterSeconds, continuing, { isCounted });
  }
  const ended = outcome && (await endTask(ctx, task, outcome));
  const paceOf = findTaskType(task.type)?.paceOf;
  if (paceOf) await giveUpSlot(ctx, task, paceOf);
  if (ctx.limitedTypes.has(task.type)) ctx.activity.emit("startPossible", task.type);
  ctx.activity.emit("attemptEnded", {
    type: findTaskType(task.type)?.name ?? "unknown",
    outcome: ended ? OUTCOMES[ended.status] : "stopped",
    seconds: continued ? secondsSince(ctx, task) : (performance.now() - startedAt) / 1000,
  });
  if (ended?.status !== "completed" && createdFileIds.length > 0) await removeFiles(ctx, createdFileIds);
  const facts = { ...factsOf(task), ms: Math.round(performance.now() - startedAt) };
  if (!ended) {
    ctx.log.info(facts, "task stopped: it was cancelled, deleted or started by another worker");
    return undefined;
  }
  ctx.log.info({ ...facts, code: ended.errorCode ?? undefined }, LOGGED[ended.status]);
  return { status: ended.status };
}

function factsOf({ id: taskId, type, attempt }: Task) {
  return { taskId, type, attempt };
}

const OUTCOMES: Readonly<Record<TaskStatus, AttemptOutcome>> = {
  completed: "completed",
  failed: "failed",
  pending: "retried",
  processing: "stopped",
  cancelled: "stopped",
};

/** An attempt that was put back includes its waits. */
function secondsSince(ctx: Context, { startedAt }: Task): number {
  return startedAt ? Math.max(0, ctx.now().getTime() - startedAt.getTime()) / 1000 : 0;
}

const LOGGED: Partial<Record<TaskStatus, string>> = {
  completed: "task succeeded",
  failed: "task failed",
  pending: "task failed and will be retried",
};

/** A task that waits for the limit of its type is woken when its turn comes. This is only a safeguard. */
const LOOK_AGAIN_SECONDS = 4 * 3600;

/**
 * Starts a task before its turn in a set, so that the time of its start does not count as its own: it would make a type look long.
 * @returns a `Later` if the task waits; `inTurn`: it must be started when its turn has come; null: there is nothing to run
 */
async function startBefore(
  ctx: Context,
  work: Payload<"runTask">,
  delivery: Delivery,
  { isShared }: Turn,
): Promise<Task | Later | "inTurn" | null> {
  if (work.continued) return "inTurn";
  if (!isShared) return startOrWait(ctx, work, delivery);
  const { taskId, run, type } = work;
  if (type === undefined || !ctx.limitedTypes.has(type))
    return (await startTogether(ctx, { taskId, run })) ?? "inTurn";
  const started = await startTogetherWithinLimit(ctx, type, { taskId, run, jobId: delivery.id });
  if (started === "waits") return laterWithin(LOOK_AGAIN_SECONDS, work);
  return started === "alone" ? "inTurn" : started;
}

const laterWithin = (seconds: number, work: Payload<"runTask">) =>
  new Later(seconds, work, { isCounted: false });

/** @returns a `Later` if the task waits for its turn; null if there is nothing to run */
async function startOrWait(
  ctx: Context,
  work: Payload<"runTask">,
  { id: jobId }: Delivery,
): Promise<Task | Later | null> {
  const { taskId, run, type: known } = work;
  const type = known ?? (ctx.limitedTypes.size > 0 ? await typeOf(ctx, taskId) : "");
  let waitSeconds: number | null = null;
  const start = async (within: Context) => {
    const paceOf = findTaskType(type)?.paceOf;
    waitSeconds = paceOf ? await takeSlot(within, { taskId, run }, paceOf) : null;
    return waitSeconds === null ? startTask(within, taskId, run) : null;
  };
  const startOne = async (within: Context) => [await start(within)];
  const [started = null] = ctx.limitedTypes.has(type)
    ? await startWithinLimit(ctx, type, [{ taskId, jobId }], startOne)
    : await startOne(ctx);
  if (started === "waits") return laterWithin(LOOK_AGAIN_SECONDS, work);
  return waitSeconds === null ? started : laterWithin(waitSeconds, work);
}

async function typeOf({ db }: Context, taskId: string): Promise<string> {
  const [task] = await db.select({ type: tasks.type }).from(tasks).where(eq(tasks.id, taskId));
  return task?.type ?? "";
}

/**
 * Increases `attempt`, so that the outcomes of earlier attempts no longer count.
 * @returns null if the task has ended or has a newer job
 */
async function startTask(ctx: Context, taskId: string, run: number): Promise<Task | null> {
  const isThisRun = and(eq(tasks.id, taskId), eq(tasks.run, run));
  const changes = { attempt: sql`${tasks.attempt} + 1`, progress: 0, startedAt: sql`statement_timestamp()` };
  const [started] = await transition(ctx, "start", isThisRun, changes);
  if (started) return started;
  const [task] = await transition(ctx, "resume", isThisRun, changes, { message: RESUMED });
  return task ?? null;
}

/** Returns the task if this attempt is still the latest one and has not ended. */
async function findRunning(ctx: Context, taskId: string, run: number, attempt: number): Promise<Task | null> {
  const isRunning = and(eq(tasks.status, "processing"), eq(tasks.run, run), eq(tasks.attempt, attempt));
  const [task] = await ctx.db
    .select()
    .from(tasks)
    .where(and(eq(tasks.id, taskId), isRunning));
  return task ?? null;
}

/** @returns null if the task was cancelled, deleted or started by another worker meanwhile */
async function attempt(
  ctx: Context,
  task: Task,
  { createdFileIds, state }: { createdFileIds: string[]; state: unknown },
  delivery: Delivery,
): Promise<Outcome | ContinueLater | null> {
  const type = findTaskType(task.type);
  if (!type) {
    const text = `This version of Rowmill has no task type "${task.type}".`;
    return outcomeOf(new Permanent("unknown_type", text));
  }
  using watch = watchTask(ctx, task);
  using limit = limitTime(type.limits.timeoutSeconds, delivery.signal, watch.signal);
  const { signal } = limit;
  await using progress = new Progress(ctx, task);
  try {
    const { params } = task;
    const running = { task, signal, progress, createdFileIds, state };
    const result = await withInput(ctx, running, (input) => type.run(ctx, { ...input, params }));
    return watch.signal.aborted ? null : successOf(result);
  } catch (error) {
    if (watch.signal.aborted) return null;
    delivery.signal.throwIfAborted();
    if (error instanceof ContinueLater) return error;
    // The job is delivered again, and the task loses none of its retries.
    if (isFromDatabase(error) && isTransient(error)) throw error;
    await storeStack(ctx, task, error);
    return outcomeOf(limit.hasPassed ? timedOut(type, error) : error);
  }
}

function timedOut({ limits }: TaskType, cause: unknown): Retryable {
  return new Retryable("timed_out", `The attempt took longer than the limit of ${limits.timeoutSeconds} s.`, {
    cause,
  });
}

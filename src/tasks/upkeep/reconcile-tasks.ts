/** Enqueues tasks again whose job was lost, and fails tasks whose workers were all lost. */
import { and, asc, eq, gt, inArray, lt, sql } from "drizzle-orm";
import { type Context, inTransaction } from "../../context.ts";
import { taskJobs } from "../../jobs.ts";
import { OPEN_TASK_STATUSES, tasks } from "../../schema/tasks.ts";
import { cancelWaiting } from "../control/chain.ts";
import { withNewJobs } from "../control/retry-task.ts";
import { byQueue } from "../task-jobs.ts";
import { isAttempt, recordEvent, type Task, transition } from "../transitions.ts";

/** A task and its job commit together, so a job that is still missing after this time is lost. */
const LOST_JOB_SECONDS = 30;
const PAGE = 1000;

const GAVE_UP =
  "Every worker that ran the task was lost before the task finished. See the logs of the workers.";

export interface ReconciledTasks {
  readonly tasksRequeued: number;
  readonly tasksGivenUp: number;
}

/** Runs every minute. Safe to run at any time and concurrently. */
export async function reconcileTasks(ctx: Context): Promise<ReconciledTasks> {
  let tasksRequeued = 0;
  let tasksGivenUp = 0;
  for await (const page of dueTasks(ctx)) {
    for (const [queue, due] of byQueue(page)) {
      const ids = due.map(({ jobId }) => jobId);
      const live = await ctx.queue.live(ctx.db, taskJobs[queue], ids);
      const givenUp = await ctx.queue.givenUp(ctx.db, taskJobs[queue], ids);
      for (const task of due.filter(({ jobId }) => !live.has(jobId))) {
        const isGivenUp = givenUp.has(task.jobId);
        const changed = isGivenUp ? await giveUpTask(ctx, task) : await requeueTask(ctx, task);
        // The task changed since the page was read.
        if (changed === 0) continue;
        ctx.log.warn(
          { taskId: task.id },
          isGivenUp ? "task failed: all its workers were lost" : "task enqueued again: its job was lost",
        );
        if (isGivenUp) tasksGivenUp++;
        else tasksRequeued++;
      }
    }
  }
  return { tasksRequeued, tasksGivenUp };
}

/** Without parameters and results, which can be large. */
const columns = {
  id: tasks.id,
  number: tasks.number,
  queue: tasks.queue,
  jobId: tasks.jobId,
  run: tasks.run,
  attempt: tasks.attempt,
};

type DueTask = Pick<Task, keyof typeof columns>;

async function* dueTasks(ctx: Context): AsyncGenerator<DueTask[]> {
  const dueBefore = new Date(ctx.now().getTime() - LOST_JOB_SECONDS * 1000);
  let after = 0;
  for (;;) {
    const page = await ctx.db
      .select(columns)
      .from(tasks)
      .where(
        and(
          inArray(tasks.status, [...OPEN_TASK_STATUSES]),
          lt(tasks.dueAt, dueBefore),
          gt(tasks.number, after),
        ),
      )
      .orderBy(asc(tasks.number))
      .limit(PAGE);
    const last = page.at(-1);
    if (!last) return;
    yield page;
    after = last.number;
  }
}

/** Matches the task unless a worker or another reconciler has changed it since it was read. */
const isUnchanged = (task: DueTask) => and(isAttempt(task), eq(tasks.run, task.run));

async function requeueTask(ctx: Context, task: DueTask): Promise<number> {
  return inTransaction(ctx, async (tx) => {
    const changed = await tx.db
      .update(tasks)
      .set({ run: sql`${tasks.run} + 1`, dueAt: sql`statement_timestamp()` })
      .where(and(isUnchanged(task), inArray(tasks.status, [...OPEN_TASK_STATUSES])))
      .returning();
    await withNewJobs(tx, changed);
    await recordEvent(
      tx,
      changed.map(({ id }) => id),
      "queued",
      { message: "The job was lost and is enqueued again." },
    );
    return changed.length;
  });
}

async function giveUpTask(ctx: Context, task: DueTask): Promise<number> {
  return inTransaction(ctx, async (tx) => {
    const changes = {
      errorCode: "gave_up",
      errorMessage: GAVE_UP,
      completedAt: sql`statement_timestamp()`,
    };
    const ended = await transition(tx, "giveUp", isUnchanged(task), changes, { message: GAVE_UP });
    await cancelWaiting(tx, ended);
    return ended.length;
  });
}

/** Enqueues tasks again whose job was lost, and fails tasks whose workers were all lost. */
import { and, eq, inArray, sql } from "drizzle-orm";
import { type Context, inTransaction } from "../../context.ts";
import { type QueueName, taskJobs } from "../../jobs.ts";
import { OPEN_TASK_STATUSES, type TaskStatus, tasks } from "../../schema/tasks.ts";
import { withNewJobs } from "../control/retry-task.ts";
import { cancelWaiting } from "../control/sequence.ts";
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

type DueTask = Pick<Task, "id" | "jobId" | "run" | "attempt"> & { readonly queue: QueueName };

async function* dueTasks(ctx: Context): AsyncGenerator<DueTask[]> {
  for (const status of OPEN_TASK_STATUSES) {
    for (let after = "-infinity"; ; ) {
      const page = await openTasks(ctx, status, after);
      const last = page.at(-1);
      if (!last) break;
      yield page;
      after = last.createdAt;
    }
  }
}

/**
 * Follows `tasks_status`. Tasks of one request have the same `created_at` and are on the same page, so a page is longer by up to
 * MAX_BULK. The limit is a subquery, so the planner always expects to read only a part, and never sorts all open tasks.
 */
async function openTasks(ctx: Context, status: TaskStatus, after: string) {
  const dueBefore = new Date(ctx.now().getTime() - LOST_JOB_SECONDS * 1000);
  // Without parameters and results, which can be large.
  const { rows } = await ctx.db.execute<DueTask & { readonly createdAt: string }>(sql`
    SELECT id, queue, job_id AS "jobId", run, attempt, created_at::text AS "createdAt" FROM rowmill.tasks
    WHERE status = ${status} AND created_at > ${after}::timestamptz AND due_at < ${dueBefore.toISOString()}::timestamptz
    ORDER BY created_at FETCH FIRST (SELECT ${PAGE}::int) ROWS WITH TIES`);
  return rows;
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

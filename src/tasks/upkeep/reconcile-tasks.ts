/** Brings back tasks whose job was lost, and ends those that every worker failed to come back from. */
import { and, asc, eq, gt, inArray, lt, sql } from "drizzle-orm";
import { type Context, inTransaction } from "../../context.ts";
import { taskJobs } from "../../jobs.ts";
import { OPEN_TASK_STATUSES, tasks } from "../../schema/tasks.ts";
import { cancelNext } from "../control/chain.ts";
import { withNewJobs } from "../control/retry-task.ts";
import { byQueue } from "../task-jobs.ts";
import { recordEvent, type Task, transition } from "../transitions.ts";

/** A job is added together with its task, so one that is missing this much later is lost. */
const LOST_JOB_SECONDS = 30;
const PAGE = 1000;

const GAVE_UP = "Every worker that began it was lost before its end; the workers' logs tell more.";

export interface ReconciledTasks {
  readonly tasksRequeued: number;
  readonly tasksGivenUp: number;
}

/** Runs each minute; safe to run at any time, any number of times, side by side. */
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
        // It went on while its job was looked for.
        if (changed === 0) continue;
        ctx.log.warn({ taskId: task.id, isGivenUp }, "task without a live job");
        if (isGivenUp) tasksGivenUp++;
        else tasksRequeued++;
      }
    }
  }
  return { tasksRequeued, tasksGivenUp };
}

async function* dueTasks(ctx: Context): AsyncGenerator<Task[]> {
  const dueBefore = new Date(ctx.now().getTime() - LOST_JOB_SECONDS * 1000);
  let after = 0;
  for (;;) {
    const page = await ctx.db
      .select()
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

/** The task if it still waits for this job, so that a worker or another reconciler can't be crossed. */
const ifUnchanged = ({ id, run, attempt }: Task) =>
  and(eq(tasks.id, id), eq(tasks.run, run), eq(tasks.attempt, attempt));

async function requeueTask(ctx: Context, task: Task): Promise<number> {
  return inTransaction(ctx, async (tx) => {
    const changed = await tx.db
      .update(tasks)
      .set({ run: sql`${tasks.run} + 1`, dueAt: sql`statement_timestamp()` })
      .where(and(ifUnchanged(task), inArray(tasks.status, [...OPEN_TASK_STATUSES])))
      .returning();
    await withNewJobs(tx, changed);
    await recordEvent(
      tx,
      changed.map(({ id }) => id),
      "queued",
      { message: "Its job was lost." },
    );
    return changed.length;
  });
}

async function giveUpTask(ctx: Context, task: Task): Promise<number> {
  return inTransaction(ctx, async (tx) => {
    const changes = {
      errorCode: "gave_up",
      errorMessage: GAVE_UP,
      completedAt: sql`statement_timestamp()`,
    };
    const ended = await transition(tx, "giveUp", ifUnchanged(task), changes, { message: GAVE_UP });
    await cancelNext(tx, ended);
    return ended.length;
  });
}

/** The jobs of tasks. Job ids are deterministic, so that a run of a task cannot be enqueued twice. */
import { and, eq, inArray, type SQL, sql } from "drizzle-orm";
import type { Context, Tx } from "../context.ts";
import { jobs, type QueueName, taskJobs } from "../jobs.ts";
import { deterministicJobId, uuidV7 } from "../platform/ids.ts";
import type { AddingJobs, NewJob } from "../platform/queue/add-jobs.ts";
import { limitWaits } from "../schema/task-limits.ts";
import { hasLaterJob, tasks } from "../schema/tasks.ts";

/** The place of the version in a UUID. */
const VERSION_AT = 14;

const withVersion = (id: string, version: 7 | 8) =>
  `${id.slice(0, VERSION_AT)}${version}${id.slice(VERSION_AT + 1)}`;

/**
 * The first job has the id of its task as a UUID of version 8: it needs no hash, indexes of jobs grow at one end, and tasks need no
 * index to be found by it.
 */
export function taskJobId(taskId: string, run: number): string {
  return run > 1 ? deterministicJobId("task", taskId, run) : withVersion(taskId, 8);
}

/** @returns undefined unless it is the latest job of a task */
export async function findTaskOfJob(
  { db }: Context,
  jobId: string,
): Promise<typeof tasks.$inferSelect | undefined> {
  const isJob = eq(tasks.jobId, jobId);
  const [first] = await db
    .select()
    .from(tasks)
    .where(and(eq(tasks.id, withVersion(jobId, 7)), isJob));
  if (first) return first;
  const [later] = await db.select().from(tasks).where(and(isJob, hasLaterJob));
  return later;
}

interface Runnable {
  readonly id: string;
  readonly userId: number;
  readonly run: number;
  readonly jobId: string;
  readonly type: string;
  readonly queue: string;
  readonly priority: number;
}

/** Enqueues the jobs of tasks that are due after `startAfterSeconds`. */
export async function enqueueTasks(tx: Tx, tasks: readonly Runnable[], startAfterSeconds = 0): Promise<void> {
  for (const [queue, own] of byQueue(tasks)) {
    await tx.queue.add(
      tx.db,
      taskJobs[queue],
      own.map(
        ({ id, type, userId, run, jobId, priority }): NewJob => ({
          id: jobId,
          payload: { taskId: id, run, type },
          priority,
          group: String(userId),
          startAfterSeconds,
        }),
      ),
    );
  }
}

/** Returns the parts of the statement that stores new tasks: those which enqueue the jobs of one queue. @param inserted its new tasks */
export function enqueueing({ queue }: Context, name: QueueName, inserted: SQL): AddingJobs {
  return queue.adding(
    taskJobs[name],
    sql`SELECT job_id AS id, jsonb_build_object('taskId', id, 'run', run, 'type', type) AS data, priority, user_id::text AS group_id,
      due_at, number AS place
    FROM ${inserted} WHERE queue = ${name} AND after_id IS NULL`,
  );
}

/** Removes the jobs of tasks that must not run. A worker that already runs one notices it through `watchTask`. */
export async function dequeueTasks(
  tx: Tx,
  tasks: readonly Pick<Runnable, "jobId" | "queue">[],
): Promise<void> {
  const ids = tasks.map(({ jobId }) => jobId);
  if (ids.length > 0) await tx.db.delete(limitWaits).where(inArray(limitWaits.jobId, ids));
  for (const [queue, own] of byQueue(tasks)) {
    await tx.queue.remove(
      tx.db,
      taskJobs[queue],
      own.map(({ jobId }) => jobId),
    );
  }
}

interface TaskOfWorkflow {
  readonly id: string;
  readonly userId: number;
  readonly workflowId: string | null;
}

/** Enqueues one job for each workflow whose tasks have ended. */
export async function advanceWorkflows(ctx: Context, ended: readonly TaskOfWorkflow[]): Promise<void> {
  const byWorkflow = new Map(ended.map((task) => [task.workflowId, task]));
  await ctx.queue.add(
    ctx.db,
    jobs.advanceWorkflow,
    [...byWorkflow.values()].map(({ id, userId, workflowId }) => ({
      id: uuidV7(ctx.now()),
      payload: { workflowId, taskId: id },
      group: String(userId),
    })),
  );
}

/** Groups tasks by their queue, because each queue has a job of its own. */
export function byQueue<T extends { readonly queue: string }>(tasks: readonly T[]): Map<QueueName, T[]> {
  return Map.groupBy(tasks, ({ queue }) => queue as QueueName);
}

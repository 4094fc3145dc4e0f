/** The state and the result of one job, by its id. */
import { eq } from "drizzle-orm";
import { type Context, requireActor } from "../context.ts";
import { DomainError } from "../errors.ts";
import { type FoundJob, findJob } from "../platform/queue/queue-reads.ts";
import type { Role } from "../schema/accounts.ts";
import { batches } from "../schema/batches.ts";
import { taskStacks, tasks } from "../schema/tasks.ts";
import { findTaskOfJob } from "../tasks/task-jobs.ts";
import type { Task } from "../tasks/transitions.ts";
import { jobNames } from "./queries.ts";

export interface JobResult {
  readonly id: string;
  /** null: the queue has removed the job, and only its task is left. */
  readonly job: FoundJob | null;
  /** The task, if this is its latest job. */
  readonly task: Task | null;
  readonly taskId: string | null;
  readonly batchId: string | null;
  /** null for users: payloads are internal. */
  readonly payload: unknown;
  /** null also for users. */
  readonly stack: string | null;
}

/** The roles that see the jobs of all users, and stacks. */
const OPERATORS: ReadonlySet<Role> = new Set(["operator", "admin"]);

/**
 * A user gets the jobs of own tasks and batches, an operator all jobs. The command line has no user, and gets all as well.
 * @throws DomainError `not_found`
 */
export async function getJob(ctx: Context, id: string, isOperator: boolean): Promise<JobResult> {
  const [job, latest] = await Promise.all([findJob(ctx.db, jobNames, id), findTaskOfJob(ctx, id)]);
  const { taskId = null, batchId = null } = (job?.payload ?? {}) as { taskId?: string; batchId?: string };
  const owner = latest?.userId ?? (await ownerOf(ctx, taskId, batchId));
  const isVisible = isOperator || (owner !== null && owner === requireActor(ctx).id);
  if (!isVisible || (!job && !latest)) {
    throw new DomainError(
      "not_found",
      "No such job, or it is not yours. Jobs are kept for a day after their end.",
    );
  }
  return {
    id,
    job: job ? (isOperator ? job : forOwner(job)) : null,
    task: latest ?? null,
    taskId: latest?.id ?? taskId,
    batchId,
    payload: isOperator ? (job?.payload ?? null) : null,
    stack: isOperator ? await stackOf(ctx, job, latest) : null,
  };
}

const HIDDEN = "An attempt has failed. Its task or batch says what you can do; operators see the cause.";

/** Messages of internal errors can name hosts, tables and files of the service. */
function forOwner(job: FoundJob): FoundJob {
  const { message, ...rest } = (job.output ?? {}) as Record<string, unknown>;
  return typeof message === "string" ? { ...job, output: { ...rest, message: HIDDEN } } : job;
}

export function isOperatorRole(role: Role): boolean {
  return OPERATORS.has(role);
}

async function ownerOf(
  { db }: Context,
  taskId: string | null,
  batchId: string | null,
): Promise<number | null> {
  const [found] =
    taskId !== null
      ? await db.select({ userId: tasks.userId }).from(tasks).where(eq(tasks.id, taskId))
      : batchId !== null
        ? await db.select({ userId: batches.userId }).from(batches).where(eq(batches.id, batchId))
        : [];
  return found?.userId ?? null;
}

async function stackOf(
  { db }: Context,
  job: FoundJob | undefined,
  task: Task | undefined,
): Promise<string | null> {
  if (task) {
    const [found] = await db.select().from(taskStacks).where(eq(taskStacks.taskId, task.id));
    if (found) return found.stack;
  }
  const { stack } = (job?.output ?? {}) as { stack?: unknown };
  return typeof stack === "string" && stack !== "" ? stack : null;
}

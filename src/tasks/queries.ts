/** Reads of tasks. `ownerId` null: the tasks of all users, for operators. */
import {
  and,
  arrayContains,
  asc,
  count,
  eq,
  getTableColumns,
  gt,
  gte,
  inArray,
  isNull,
  lt,
  or,
  type SQL,
  sql,
} from "drizzle-orm";
import type { Context } from "../context.ts";
import { notFound } from "../errors.ts";
import { containsText } from "../platform/postgres/contains-text.ts";
import { type Found, readPage } from "../platform/postgres/read-page.ts";
import { isBetween } from "../platform/postgres/within-times.ts";
import { files } from "../schema/files.ts";
import { type TaskStatus, taskProgress, taskStatus, tasks } from "../schema/tasks.ts";
import { isOwnedBy, type Owner, type Task } from "./transitions.ts";

export interface TaskFilter {
  readonly ids?: readonly string[];
  readonly statuses?: readonly TaskStatus[];
  readonly type?: string;
  readonly queue?: string;
  readonly userId?: number;
  readonly groupId?: string;
  readonly workflowId?: string;
  readonly tag?: string;
  /** Created at this time or later. */
  readonly from?: Date;
  /** Created earlier than this. */
  readonly before?: Date;
  /** Ended at this time or later. */
  readonly endedFrom?: Date;
  /** Ended earlier than this. */
  readonly endedBefore?: Date;
  /** Each word must occur in one of the `searched` columns, ignoring case. */
  readonly search?: readonly string[];
  /** Absent: all three. */
  readonly searched?: readonly ("title" | "description" | "fileName")[];
}

/** The expression of the index `tasks_ended`. */
export const endedAt = sql`coalesce(${tasks.completedAt}, ${tasks.cancelledAt})`;

/** The condition that a filter states. */
export function matches(filter: TaskFilter): SQL | undefined {
  const { type, queue, userId, groupId, workflowId, tag, from, before, search = [] } = filter;
  const { endedFrom, endedBefore } = filter;
  const columns = (filter.searched ?? ["title", "description", "fileName"]).map((name) => tasks[name]);
  return and(
    filter.ids && inArray(tasks.id, [...filter.ids]),
    statusIn(filter),
    type === undefined ? undefined : eq(tasks.type, type),
    queue === undefined ? undefined : eq(tasks.queue, queue),
    userId === undefined ? undefined : eq(tasks.userId, userId),
    groupId === undefined ? undefined : eq(tasks.groupId, groupId),
    workflowId === undefined ? undefined : eq(tasks.workflowId, workflowId),
    tag === undefined ? undefined : and(arrayContains(tasks.tags, [tag]), sql`${tasks.tags} <> '{}'`),
    from && gte(tasks.createdAt, from),
    before && lt(tasks.createdAt, before),
    isBetween(endedAt, endedFrom, endedBefore),
    ...search.map((word) => or(...columns.map((column) => containsText(column, word)))),
  );
}

/** Lets the planner choose the right index for a short time, even if it knows nothing about the table. */
function statusIn({ statuses, from, before, endedFrom, endedBefore }: TaskFilter): SQL | undefined {
  // As text, so that `tasks_ended` finds the tasks, and not `tasks_status` all tasks with the status.
  if (statuses && (endedFrom || endedBefore)) {
    return sql`${tasks.status}::text = ANY(${sql.param([...statuses])}::text[])`;
  }
  // With all statuses, `tasks_status` finds the tasks that were created in a time.
  const indexed = statuses ?? (from || before ? taskStatus.enumValues : undefined);
  return indexed && inArray(tasks.status, [...indexed]);
}

/** @throws DomainError `not_found` */
export async function getTask(ctx: Context, ownerId: Owner, taskId: string): Promise<Task> {
  const [task] = await ctx.db
    .select()
    .from(tasks)
    .where(and(eq(tasks.id, taskId), isOwnedBy(ownerId)));
  if (!task) throw notFound("task");
  return task;
}

/** A task without its long JSON documents. */
export type TaskSummary = Omit<Task, "params" | "result" | "metadata">;

const { params: _params, result: _result, metadata: _metadata, ...summary } = getTableColumns(tasks);

/** Reads those of the tasks that exist, by id. */
export function readTasks(ctx: Context, ids: readonly string[]): Promise<Found<TaskSummary>> {
  return readPage(ctx, {
    fields: summary,
    from: sql`${tasks} WHERE ${inArray(tasks.id, [...ids])} ORDER BY ${asc(tasks.id)}`,
    order: sql`id`,
    limit: ids.length,
  });
}

/** Counts those of the tasks that exist and belong to the owner. */
export function countTasks({ db }: Context, ownerId: Owner, ids: readonly string[]): Promise<number> {
  return db.$count(tasks, and(inArray(tasks.id, [...ids]), isOwnedBy(ownerId)));
}

/** @returns the number of tasks per status, with 0 for statuses without tasks */
export async function countByStatus(
  ctx: Context,
  ownerId: Owner,
  filter: TaskFilter = {},
): Promise<Record<TaskStatus, number>> {
  const found = await ctx.db
    .select({ status: tasks.status, count: count() })
    .from(tasks)
    .where(and(isOwnedBy(ownerId), matches(filter)))
    .groupBy(tasks.status);
  const zeros = Object.fromEntries(taskStatus.enumValues.map((status) => [status, 0]));
  const counts = Object.fromEntries(found.map((row) => [row.status, row.count]));
  return { ...zeros, ...counts } as Record<TaskStatus, number>;
}

export function totalOf(counts: Readonly<Record<TaskStatus, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** The progress reports of a task, oldest first. @param after the id of the last report of the previous page */
export function listProgress(ctx: Context, taskId: string, after: number, limit: number) {
  const isAfter = and(eq(taskProgress.taskId, taskId), sql`${taskProgress.id} > ${after}`);
  return readPage(ctx, {
    fields: getTableColumns(taskProgress),
    from: sql`${taskProgress} WHERE ${isAfter} ORDER BY ${taskProgress.id}`,
    order: sql`id`,
    limit,
  });
}

/** The files that a task created. Empty until it has completed, because a failed attempt loses its files. */
export function listFiles(ctx: Context, task: Task, after: string | null, limit: number) {
  const { id, name, mediaType, bytes } = files;
  const isShown = task.status === "completed" ? undefined : sql`false`;
  const isResult = and(eq(files.taskId, task.id), eq(files.origin, "result"), isNull(files.receivingAt));
  const where = and(isShown, isResult, after === null ? undefined : gt(files.id, after));
  return readPage(ctx, {
    fields: { id, name, mediaType, bytes },
    from: sql`${files} WHERE ${where} ORDER BY ${files.id}`,
    order: sql`id`,
    limit,
  });
}

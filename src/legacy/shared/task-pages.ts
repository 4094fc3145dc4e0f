/** Lists of tasks with page numbers instead of cursors. */
import { and, asc, desc, eq, getTableColumns, type SQL, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { invalidField } from "../../errors.ts";
import { isWithin } from "../../platform/postgres/within-times.ts";
import { users } from "../../schema/accounts.ts";
import { tasks } from "../../schema/tasks.ts";
import { numbersWithin } from "../../tasks/list-tasks.ts";
import { matches, type TaskFilter } from "../../tasks/queries.ts";
import { isOwnedBy, type Owner, type Task } from "../../tasks/transitions.ts";
import { ownerColumns, type TaskDetail } from "./task-detail.ts";

/** PostgreSQL reads all tasks before a page, so pages are only available up to this number of tasks. */
const MAX_TASKS_BEFORE = 100_000;

/** Without the columns of any length, which no list shows: pages have a size that clients choose. */
const { params, result, metadata, description, errorMessage, filePath, ...listed } = getTableColumns(tasks);

export type ListedTaskDetail = Pick<TaskDetail, "owner"> & {
  readonly task: Omit<Task, "params" | "result" | "metadata" | "description" | "errorMessage" | "filePath">;
};

const sortable = {
  id: tasks.number,
  created_at: tasks.createdAt,
  updated_at: tasks.updatedAt,
  title: tasks.title,
  // Alphabetically, not in the order of the enum.
  status: sql`${tasks.status}::text`,
} as const;

export type TaskSortKey = keyof typeof sortable;
export const TASK_SORT_KEYS = Object.keys(sortable) as TaskSortKey[];

export interface TaskPageRequest {
  /** From 1. */
  readonly page: number;
  readonly pageSize: number;
  /** Absent: newest first. */
  readonly order?: readonly { readonly key: TaskSortKey; readonly isDescending: boolean }[];
}

/**
 * @returns the number of tasks on all pages, and the tasks of the page
 * @throws DomainError `invalid_input` if too many tasks precede the page
 */
export async function listTaskPage(
  ctx: Context,
  ownerId: Owner,
  filter: TaskFilter,
  { page, pageSize, order = [] }: TaskPageRequest,
): Promise<{ count: number; found: ListedTaskDetail[] }> {
  const before = (page - 1) * pageSize;
  if (before > MAX_TASKS_BEFORE) {
    const text = `is after the first ${MAX_TASKS_BEFORE} tasks. Add filters, or use /api/v1/tasks, which has no such limit.`;
    throw invalidField("page", text);
  }
  const columns = order.map(({ key, isDescending }) => (isDescending ? desc : asc)(sortable[key]));
  const where = await conditionOf(ctx, ownerId, filter);
  const found = await ctx.db
    .select({ task: listed, owner: ownerColumns })
    .from(tasks)
    .innerJoin(users, eq(users.id, tasks.userId))
    .where(where)
    .orderBy(...columns, desc(tasks.number))
    .limit(pageSize)
    .offset(before);
  const isLast = found.length < pageSize && (found.length > 0 || before === 0);
  return { count: isLast ? before + found.length : await ctx.db.$count(tasks, where), found };
}

/** Tasks that were created in a time are found by their numbers, and not among those of all users. */
async function conditionOf(ctx: Context, ownerId: Owner, filter: TaskFilter): Promise<SQL | undefined> {
  const { from, before, ...others } = filter;
  return and(
    isOwnedBy(ownerId),
    matches(others),
    await numbersWithin(ctx, filter, sql`${tasks.number}`),
    isWithin(tasks.createdAt, from, before),
  );
}

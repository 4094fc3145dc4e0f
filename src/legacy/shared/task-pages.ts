/** Tasks by the number of a page, for clients that know no cursor. */
import { and, asc, count, desc, eq, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { invalidField } from "../../errors.ts";
import { users } from "../../schema/accounts.ts";
import { tasks } from "../../schema/tasks.ts";
import { matches, type TaskFilter } from "../../tasks/queries.ts";
import { isOwnedBy, type Owner } from "../../tasks/transitions.ts";
import { ownerColumns, type TaskDetail } from "./task-detail.ts";

/** PostgreSQL reads all that is before a page: how much it is asked to read at most. */
const MAX_TASKS_BEFORE = 100_000;

const sortable = {
  id: tasks.number,
  created_at: tasks.createdAt,
  updated_at: tasks.updatedAt,
  title: tasks.title,
  // By the alphabet, not in the order of the enum.
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
 * @returns how many tasks match in all, and those of the page
 * @throws DomainError `invalid_input` where the page is too far from the first
 */
export async function listTaskPage(
  ctx: Context,
  ownerId: Owner,
  filter: TaskFilter,
  { page, pageSize, order = [] }: TaskPageRequest,
): Promise<{ count: number; found: TaskDetail[] }> {
  const before = (page - 1) * pageSize;
  if (before > MAX_TASKS_BEFORE) {
    const text = `goes beyond the first ${MAX_TASKS_BEFORE} tasks; narrow the list, or take /api/v1/tasks, which pages without bound.`;
    throw invalidField("page", text);
  }
  const columns = order.map(({ key, isDescending }) => (isDescending ? desc : asc)(sortable[key]));
  const found = await ctx.db
    .select({ task: tasks, owner: ownerColumns })
    .from(tasks)
    .innerJoin(users, eq(users.id, tasks.userId))
    .where(and(isOwnedBy(ownerId), matches(filter)))
    .orderBy(...columns, desc(tasks.number))
    .limit(pageSize)
    .offset(before);
  return { count: await countTasks(ctx, ownerId, filter), found };
}

async function countTasks(ctx: Context, ownerId: Owner, filter: TaskFilter): Promise<number> {
  const [found] = await ctx.db
    .select({ count: count() })
    .from(tasks)
    .where(and(isOwnedBy(ownerId), matches(filter)));
  return found?.count ?? 0;
}

import { and, eq } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { notFound } from "../../errors.ts";
import { users } from "../../schema/accounts.ts";
import { tasks } from "../../schema/tasks.ts";
import { isOwnedBy, type Owner, type Task } from "../../tasks/transitions.ts";

/** The id of a task, or its number. */
export type TaskKey = string | number;

export interface TaskDetail {
  readonly task: Task;
  readonly owner: { readonly id: number; readonly username: string; readonly email: string };
}

export const ownerColumns = { id: users.id, username: users.username, email: users.email };

function isTask(ownerId: Owner, key: TaskKey) {
  const isKey = typeof key === "number" ? eq(tasks.number, key) : eq(tasks.id, key);
  return and(isKey, isOwnedBy(ownerId));
}

/** @throws DomainError `not_found` */
export async function getTaskDetail(ctx: Context, ownerId: Owner, key: TaskKey): Promise<TaskDetail> {
  const [found] = await ctx.db
    .select({ task: tasks, owner: ownerColumns })
    .from(tasks)
    .innerJoin(users, eq(users.id, tasks.userId))
    .where(isTask(ownerId, key));
  if (!found) throw notFound("task");
  return found;
}

/** @throws DomainError `not_found` */
export async function findTaskId(ctx: Context, ownerId: Owner, key: TaskKey): Promise<string> {
  if (typeof key === "string") return key;
  const [found] = await ctx.db.select({ id: tasks.id }).from(tasks).where(isTask(ownerId, key));
  if (!found) throw notFound("task");
  return found.id;
}

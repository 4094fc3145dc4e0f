/** The orders of lists with page numbers, and what these lists show. */
import { asc, desc, getTableColumns, type SQL, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import { tasks } from "../../schema/tasks.ts";
import type { Task } from "../../tasks/transitions.ts";
import type { TaskDetail } from "./task-detail.ts";

/** The name of a task in the statement of a page. */
const task = alias(tasks, "task");

/** Without the columns of any length, which no list shows: pages have a size that clients choose. */
const { params, result, metadata, description, errorMessage, filePath, ...listed } = getTableColumns(tasks);
export const listedColumns = listed;

export type ListedTaskDetail = Pick<TaskDetail, "owner"> & {
  readonly task: Omit<Task, "params" | "result" | "metadata" | "description" | "errorMessage" | "filePath">;
};

const sortable = {
  id: task.number,
  created_at: task.createdAt,
  updated_at: task.updatedAt,
  title: task.title,
  // Alphabetically, not in the order of the enum.
  status: sql`${task.status}::text`,
} as const;

export type TaskSortKey = keyof typeof sortable;
export const TASK_SORT_KEYS = Object.keys(sortable) as TaskSortKey[];

/** The first key matters most. */
export type Order = readonly { readonly key: TaskSortKey; readonly isDescending: boolean }[];

/** Without repeated keys, without those after the id, which is unique, and without an `-id` at the end, which every order has. */
export function untilUnique(order: Order): Order {
  const keys = order.filter(({ key }, index) => order.findIndex((other) => other.key === key) === index);
  const at = keys.findIndex(({ key }) => key === "id");
  return at < 0 ? keys : keys.slice(0, keys[at]?.isDescending ? at : at + 1);
}

export const byOrder = (order: Order): SQL[] => [
  ...order.map(({ key, isDescending }) => (isDescending ? desc : asc)(sortable[key])),
  desc(task.number),
];

/**
 * Lists tasks. An owner can have millions, and each filter has to find its page without reading them all, whatever the planner
 * knows. So the statements have shapes for which only one index is of use (docs/decisions/0076-lists-choose-their-index.md).
 */
import { and, getTableColumns, type SQL, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import type { Context } from "../context.ts";
import { amongEnded, type EndedList, haveFewEnded } from "../platform/postgres/few-ended.ts";
import { type Found, readPage } from "../platform/postgres/read-page.ts";
import { searchList } from "../platform/postgres/search-list.ts";
import { createdUntil, isWithin, numbersBetween } from "../platform/postgres/within-times.ts";
import { tasks } from "../schema/tasks.ts";
import { mergedOf, type Source } from "./kinds.ts";
import { endedAt, matches, type TaskFilter } from "./queries.ts";
import { isOwnedBy, type Owner, type Task } from "./transitions.ts";

export interface TaskPage {
  /** The number of the last task of the previous page; 0: from the newest. */
  readonly before: number;
  readonly limit: number;
}

/** The newest tasks, which are searched before an index that has no order. */
const NEWEST = 10_000;

/** In the order of `tasks_ended`. */
export const ENDED_TASKS: EndedList = { table: sql`rowmill.tasks`, endedAt, maxSorted: 5000 };

/** The longest time from the start of a transaction, which is the `created_at` of its tasks, to their numbers. */
const TRANSACTION_MS = 600_000;

/** The name of a task in `readPage`. */
const task = alias(tasks, "task");

/** Newest first. */
export async function listTasks(
  ctx: Context,
  ownerId: Owner,
  filter: TaskFilter,
  page: TaskPage,
): Promise<Found<Task>> {
  const owner = ownerId ?? filter.userId ?? null;
  const key = keyOf(owner, filter);
  const isInBounds = await boundsOf(ctx, filter, page, key);
  const wanted = and(conditionsOf(owner, filter), isInBounds) ?? sql`true`;
  const owned = and(isOwnedBy(owner), wanted) ?? wanted;
  const read = (source: SQL) =>
    readPage(ctx, {
      fields: getTableColumns(task),
      from: sql`(${source}) AS task ORDER BY task.number DESC`,
      order: sql`number DESC`,
      limit: page.limit,
    });
  if (filter.ids || filter.groupId || filter.workflowId) return read(unordered(owned));
  if (filter.endedFrom && (await haveFewEnded(ctx.db, ENDED_TASKS, filter)))
    return read(
      amongEnded(ENDED_TASKS, filter, and(isOwnedBy(owner), apartFromOthers(filter), isInBounds) ?? wanted),
    );
  const { statuses } = filter;
  // Few tasks of all users failed or were cancelled.
  if (owner === null && filter.endedFrom && statuses && !statuses.includes("completed"))
    return read(unordered(wanted));
  const inOrder = inOrderOf(owner, filter);
  if (filter.search?.length) {
    const listed = and(searchedOf(owner, filter), isInBounds) ?? sql`true`;
    return searchList(ctx.db, {
      list: (limit) => inOrder(listed, limit),
      key: "number",
      texts: ["title", "description", "file_name"],
      read: (last) => {
        const isSearched = last === null ? sql`true` : sql`${key} >= ${last}::bigint`;
        return read(inOrder(sql`${wanted} AND ${isSearched}`, page.limit + 1));
      },
    });
  }
  const hasOrder = owner !== null || !isOfType(filter);
  if (hasOrder && filter.tag === undefined) return read(inOrder(wanted, page.limit + 1));
  const oldest = await numberAfterNewest(
    ctx,
    inOrder(and(matches(ofStatus(filter)), isInBounds) ?? sql`true`, NEWEST),
  );
  const found = await read(inOrder(sql`${wanted} AND ${key} > ${oldest}::bigint`, page.limit + 1));
  if (found.hasMore || oldest === 0) return found;
  return read(unordered(and(owned, isInBlocks(filter)) ?? owned));
}

/** The conditions of the filter, without the owner. Not by `tasks_ended`, in whose order all tasks of a time would be sorted. */
function conditionsOf(owner: Owner, { userId: _userId, ...filter }: TaskFilter): SQL | undefined {
  const { endedFrom, endedBefore, ...others } = filter;
  const hasEnded = isWithin(endedAt, endedFrom, endedBefore);
  return and(isMerged(owner, filter) ? apartFromOthers(others) : matches(others), hasEnded);
}

/** Not by `tasks_status`, which would find the tasks of all users that were created in the time. */
export const apartFromOthers = ({ from, before, ...filter }: TaskFilter): SQL | undefined =>
  and(matches(filter), isWithin(sql`created_at`, from, before));

/** The conditions on the tasks that a search looks at: those that an index has in the order of the list. */
function searchedOf(owner: Owner, filter: TaskFilter): SQL | undefined {
  if (owner === null) return matches(ofStatus(filter));
  const { statuses, search, tag, endedFrom, endedBefore, ...rest } = filter;
  return conditionsOf(owner, rest);
}

/** Matches the index `tasks_type` and no other one. */
function isInBlocks({ type, queue }: TaskFilter): SQL | undefined {
  return and(
    type === undefined ? undefined : sql`type || '' = ${type}`,
    queue === undefined ? undefined : sql`queue || '' = ${queue}`,
  );
}

/** Only if many tasks have the status, so that the newest of them are found in the order of all tasks. */
function ofStatus({ statuses }: TaskFilter): TaskFilter {
  return statuses?.includes("completed") ? { statuses } : {};
}

function isOfType({ type, queue }: TaskFilter): boolean {
  return type !== undefined || queue !== undefined;
}

/**
 * Whether the list is merged from the kinds and statuses of an owner. The newest tasks of all kinds, which a tag or words are looked
 * for in, are found faster by `tasks_owner`.
 */
function isMerged(owner: Owner, filter: TaskFilter): owner is number {
  const { statuses, endedFrom, endedBefore, tag, search } = filter;
  if (owner === null) return false;
  return (
    isOfType(filter) ||
    Boolean(statuses ?? endedFrom ?? endedBefore) ||
    !(tag !== undefined || search?.length)
  );
}

/** The number as the index of the list has it. */
const keyOf = (owner: Owner, filter: TaskFilter): SQL =>
  isMerged(owner, filter) ? sql`number + 0` : sql`number`;

const below = ({ before }: TaskPage, key: SQL): SQL | undefined =>
  before === 0 ? undefined : sql`${key} < ${before}::bigint`;

/** A source of tasks by the most selective index. OFFSET hides the order from the planner, which would follow it through all tasks. */
function unordered(wanted: SQL): SQL {
  return sql`SELECT * FROM rowmill.tasks WHERE ${wanted} OFFSET 0`;
}

/** Makes sources that begin with the newest tasks. */
function inOrderOf(owner: Owner, filter: TaskFilter): Source {
  if (!isMerged(owner, filter)) {
    return (wanted, limit) =>
      sql`SELECT * FROM rowmill.tasks WHERE ${and(isOwnedBy(owner), wanted)} ORDER BY number DESC LIMIT ${limit}`;
  }
  return mergedOf(owner, filter);
}

/** The condition on numbers that follows from the page and the times of the filter. */
async function boundsOf(ctx: Context, filter: TaskFilter, page: TaskPage, key: SQL) {
  return and(below(page, key), await numbersWithin(ctx, filter, key));
}

/** The condition on numbers that follows from the times of the filter, because numbers ascend with `created_at`. */
export async function numbersWithin(
  ctx: Context,
  { from, before, endedBefore }: TaskFilter,
  key: SQL,
): Promise<SQL | undefined> {
  const until = createdUntil(before, endedBefore);
  const first = (isOutside: SQL, of: SQL, direction: SQL) => sql`(
    SELECT ${of}((
      SELECT number FROM rowmill.tasks WHERE tasks.status = known.status AND ${isOutside} ORDER BY created_at ${direction} LIMIT 1
    )) FROM unnest(enum_range(NULL::rowmill.task_status)) AS known (status))`;
  const isBefore = from && sql`created_at < ${shifted(from, -TRANSACTION_MS)}::timestamptz`;
  const isAfter = until && sql`created_at >= ${shifted(until, TRANSACTION_MS)}::timestamptz`;
  return numbersBetween(
    ctx.db,
    key,
    isBefore && first(isBefore, sql`max`, sql`DESC`),
    isAfter && first(isAfter, sql`min`, sql`ASC`),
  );
}

/** Years beyond those of PostgreSQL are as good as none. */
function shifted(moment: Date, ms: number): string {
  const [first, last] = [Date.parse("0001-01-01T00:00:00Z"), Date.parse("9999-12-31T23:59:59Z")];
  return new Date(Math.min(last, Math.max(first, moment.getTime() + ms))).toISOString();
}

/** Returns the number of the last of the newest tasks; 0: there are no others. */
async function numberAfterNewest(ctx: Context, newest: SQL): Promise<number> {
  const { rows } = await ctx.db.execute<{ number: string }>(
    sql`SELECT number FROM (${newest}) AS newest ORDER BY number DESC OFFSET ${NEWEST - 1}`,
  );
  return Number(rows[0]?.number ?? 0);
}

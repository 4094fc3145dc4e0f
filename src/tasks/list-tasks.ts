/**
 * Lists tasks. An owner can have millions, and each filter has to find its page without reading them all, whatever the planner
 * knows. So the statements have shapes for which only one index is of use (docs/decisions/0076-lists-choose-their-index.md).
 */
import { and, getTableColumns, type SQL, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import type { Context } from "../context.ts";
import { amongEnded, type EndedList, haveFewEnded } from "../platform/postgres/few-ended.ts";
import { type Found, type RunStatement, readPage } from "../platform/postgres/read-page.ts";
import { searchList } from "../platform/postgres/search-list.ts";
import { createdUntil, isWithin, numbersBetween } from "../platform/postgres/within-times.ts";
import { tasks } from "../schema/tasks.ts";
import { haveFew, isInBlocks, isRare, newestWith, ofStatuses, runInOrder } from "./few-tasks.ts";
import { mergedOf, type Source, upToNewest } from "./kinds.ts";
import { endedAt, matches, type TaskFilter } from "./queries.ts";
import { ENDED_STATUSES } from "./state.ts";
import { isOwnedBy, type Owner, type Task } from "./transitions.ts";

export interface TaskPage {
  /** The number of the last task of the previous page; 0: from the newest. */
  readonly before: number;
  readonly limit: number;
}

/** The tasks that are looked at first, because usually many of them match. */
const nearOf = ({ limit }: TaskPage): number => Math.max(1000, 2 * limit);

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
  const isInBounds = and(
    below(page, key),
    await numbersWithin(ctx, owner, filter, key),
    owner === null || isMerged(owner, filter) ? undefined : await upToNewest(ctx, owner),
  );
  const wanted = and(conditionsOf(filter), isInBounds) ?? sql`true`;
  const owned = and(isOwnedBy(owner), wanted) ?? wanted;
  const read = (source: SQL, run?: RunStatement) =>
    readPage(ctx, {
      run,
      fields: getTableColumns(task),
      from: sql`(${source}) AS task ORDER BY task.number DESC`,
      order: sql`number DESC`,
      limit: page.limit,
    });
  if (filter.ids || filter.groupId || filter.workflowId) return read(unordered(owned));
  const run: RunStatement = (statement) => runInOrder(ctx, statement);
  if (filter.endedFrom && (await haveFewEnded(ctx.db, ENDED_TASKS, filter, run)))
    return read(
      amongEnded(ENDED_TASKS, filter, and(isOwnedBy(owner), apartFromOthers(filter), isInBounds) ?? wanted),
    );
  if (owner === null && filter.statuses && (await haveFew(ctx, filter.statuses)))
    return read(ofStatuses(filter.statuses, wanted));
  const inOrder = inOrderOf(owner, filter);
  if (isInOrderOfIndex(owner, filter)) return read(inOrder(wanted, page.limit + 1));
  const words = filter.search ?? [];
  const listed = and(searchedOf(owner, filter), isInBounds) ?? sql`true`;
  const search = (items?: number) =>
    searchList(ctx.db, {
      run,
      list: (limit) => inOrder(listed, limit),
      key: "number",
      texts: words.length > 0 ? ["title", "description", "file_name"] : [],
      ...(items === undefined ? {} : { items }),
      read: (last) => {
        const isSearched = last === null ? sql`true` : sql`${key} >= ${last}::bigint`;
        return read(inOrder(sql`${wanted} AND ${isSearched}`, page.limit + 1), run);
      },
    });
  if (words.length > 0) return search();
  const near = await search(nearOf(page));
  if (!near.searchedTo) return near;
  const found = await search();
  if (!found.searchedTo || !(await isRare(ctx, owner, filter))) return found;
  return read(unordered(and(owned, isInBlocks(filter)) ?? owned));
}

/** Whether the tasks of the filter, without others between them, have an index in the order of the list. */
function isInOrderOfIndex(owner: Owner, filter: TaskFilter): boolean {
  const { statuses, tag, search, endedFrom, endedBefore } = filter;
  if (tag !== undefined || search?.length || endedFrom || endedBefore) return false;
  return owner !== null || !(isOfType(filter) || statuses);
}

/** The conditions of the filter, without the owner. Not by `tasks_ended`, in whose order all tasks of a time would be sorted. */
export function conditionsOf({ userId: _userId, ...filter }: TaskFilter): SQL | undefined {
  const { endedFrom, endedBefore, ...others } = filter;
  const hasEnded = isWithin(endedAt, endedFrom, endedBefore);
  return and(apartFromOthers(others), hasEnded);
}

/** Not by `tasks_status`, which would find the tasks of all users that were created in the time. */
export const apartFromOthers = ({ from, before, ...filter }: TaskFilter): SQL | undefined =>
  and(matches(filter), isWithin(sql`created_at`, from, before));

/** The conditions on the tasks that a search looks at: those that an index has in the order of the list. */
function searchedOf(
  owner: Owner,
  { statuses, search, tag, endedFrom, endedBefore, ...filter }: TaskFilter,
): SQL | undefined {
  return owner === null ? undefined : conditionsOf(filter);
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

/**
 * The condition on numbers that follows from the times of the filter, because numbers ascend with `created_at`. In the list of all users,
 * it also follows from the newest task with the status, so that a list of ended tasks does not pass all open ones first.
 */
export async function numbersWithin(
  ctx: Context,
  owner: Owner,
  { statuses, from, before, endedFrom, endedBefore }: TaskFilter,
  key: SQL,
): Promise<SQL | undefined> {
  const listed = statuses ?? (endedFrom || endedBefore ? ENDED_STATUSES : undefined);
  const newest = owner === null && listed ? await newestWith(ctx, listed) : undefined;
  const until = createdUntil(before, endedBefore, newest);
  const first = (isOutside: SQL, of: SQL, direction: SQL) => sql`(
    SELECT ${of}((
      SELECT number FROM rowmill.tasks WHERE tasks.status = known.status AND ${isOutside} ORDER BY created_at ${direction} LIMIT 1
    )) FROM unnest(enum_range(NULL::rowmill.task_status)) AS known (status))`;
  const isBefore = from && sql`created_at < ${shifted(from, -TRANSACTION_MS)}::timestamptz`;
  // A task that is newer than now was created while the clock was wrong, and says nothing about other numbers.
  const isAfter = until && sql`created_at BETWEEN ${shifted(until, TRANSACTION_MS)}::timestamptz AND now()`;
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

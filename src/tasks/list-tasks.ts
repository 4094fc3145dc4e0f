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
import { haveFew, isRare, newestWith, ofRare, ofStatuses, runByBitmaps, runInOrder } from "./few-tasks.ts";
import { mergedOf, type Source, upToNewest } from "./kinds.ts";
import { endedAt, matches, type TaskFilter } from "./queries.ts";
import { ENDED_STATUSES } from "./state.ts";
import { isOwnedBy, type Owner, type Task } from "./transitions.ts";

export interface TaskPage {
  /** The number of the last task of the previous page; 0: from the newest. */
  readonly before: number;
  readonly limit: number;
}

/** The tasks that are looked at first, if the page has less than half as many. */
const MIN_NEAR = 1000;

/** In the order of `tasks_ended`. */
export const ENDED_TASKS: EndedList = { table: sql`rowmill.tasks`, endedAt, maxSorted: 5000 };

/** The longest time from the start of a transaction, which is the `created_at` of its tasks, to their numbers. */
const TRANSACTION_MS = 600_000;

/** The name of a task in `readPage`. */
const task = alias(tasks, "task");

/** A list that is asked for. */
interface List {
  readonly ctx: Context;
  readonly owner: Owner;
  readonly filter: TaskFilter;
  readonly page: TaskPage;
  /** The number as the index of the list has it. */
  readonly key: SQL;
  /** The conditions on numbers. */
  readonly isInBounds: SQL | undefined;
  /** All conditions except the owner. */
  readonly wanted: SQL;
}

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
  const list = { ctx, owner, filter, page, key, isInBounds, wanted };
  return ways[await chooseWay(list)](list);
}

/** How a list finds its page. */
type Way = keyof typeof ways;

const ways = {
  /** An index finds the few tasks that are wanted, and they are sorted. */
  selected: (list: List) => read(list, unordered(ofOwner(list))),
  fewEnded: (list: List) => read(list, amongFewEnded(list)),
  fewOfStatuses: (list: List) => read(list, ofStatuses(list.filter.statuses ?? [], list.wanted)),
  /** An index has the tasks of the list in its order, without others between. */
  inOrder: (list: List) => read(list, inOrderOf(list)(list.wanted, list.page.limit + 1)),
  /** A part of the list is searched for words. */
  searched: (list: List) => searchPart(list),
  /** A part of the list is looked at, because no index serves all filters. */
  inParts: lookAtParts,
};

async function chooseWay({ ctx, owner, filter }: List): Promise<Way> {
  if (filter.ids || filter.groupId || filter.workflowId) return "selected";
  const run: RunStatement = (statement) => runInOrder(ctx, statement);
  if (filter.endedFrom && (await haveFewEnded(ctx.db, ENDED_TASKS, filter, run))) return "fewEnded";
  if (owner === null && filter.statuses && (await haveFew(ctx, filter.statuses))) return "fewOfStatuses";
  if (isInOrderOfIndex(owner, filter)) return "inOrder";
  return filter.search?.length ? "searched" : "inParts";
}

/**
 * Looks at a few tasks first, because usually many of them match. All tasks of a rare tag, type or queue are found before a larger part
 * is looked at, which takes longer.
 */
async function lookAtParts(list: List): Promise<Found<Task>> {
  const near = await searchPart(list, Math.max(MIN_NEAR, 2 * list.page.limit));
  if (!near.searchedTo) return near;
  const { ctx, owner, filter } = list;
  if (!(await isRare(ctx, owner, filter))) return searchPart(list);
  return read(list, ofRare(owner, filter, ofOwner(list)), (statement) => runByBitmaps(ctx, statement));
}

/** @param items the tasks to look at; absent: as many as a search */
function searchPart(list: List, items?: number): Promise<Found<Task>> {
  const { ctx, owner, filter, page, key, isInBounds, wanted } = list;
  const run: RunStatement = (statement) => runInOrder(ctx, statement);
  const inOrder = inOrderOf(list);
  const listed = and(searchedOf(owner, filter), isInBounds) ?? sql`true`;
  return searchList(ctx.db, {
    run,
    list: (limit) => inOrder(listed, limit),
    key: "number",
    texts: filter.search?.length ? ["title", "description", "file_name"] : [],
    ...(items === undefined ? {} : { items }),
    read: (last) => {
      const isSearched = last === null ? sql`true` : sql`${key} >= ${last}::bigint`;
      return read(list, inOrder(sql`${wanted} AND ${isSearched}`, page.limit + 1), run);
    },
  });
}

function read({ ctx, page }: List, source: SQL, run?: RunStatement): Promise<Found<Task>> {
  return readPage(ctx, {
    run,
    fields: getTableColumns(task),
    from: sql`(${source}) AS task ORDER BY task.number DESC`,
    order: sql`number DESC`,
    limit: page.limit,
  });
}

const ofOwner = ({ owner, wanted }: List): SQL => and(isOwnedBy(owner), wanted) ?? wanted;

const amongFewEnded = ({ owner, filter, isInBounds, wanted }: List): SQL =>
  amongEnded(ENDED_TASKS, filter, and(isOwnedBy(owner), apartFromOthers(filter), isInBounds) ?? wanted);

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
function inOrderOf({ owner, filter }: Pick<List, "owner" | "filter">): Source {
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

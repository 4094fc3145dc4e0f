/** Lists of tasks with page numbers instead of cursors. */
import { and, eq, type SQL, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { invalidField } from "../../errors.ts";
import type { Position } from "../../platform/postgres/read-page.ts";
import { searchList } from "../../platform/postgres/search-list.ts";
import { users } from "../../schema/accounts.ts";
import { taskStatus, tasks } from "../../schema/tasks.ts";
import { countUpTo } from "../../tasks/count-tasks.ts";
import { mergedOf, type Source, upToNewest } from "../../tasks/kinds.ts";
import { apartFromOthers, numbersWithin } from "../../tasks/list-tasks.ts";
import { matches, type TaskFilter, totalOf } from "../../tasks/queries.ts";
import { isOwnedBy, type Owner } from "../../tasks/transitions.ts";
import { ownerColumns } from "./task-detail.ts";
import { byOrder, type ListedTaskDetail, listedColumns, type Order, untilUnique } from "./task-order.ts";

/** PostgreSQL reads all tasks before a page, so pages are only available up to this number of tasks. */
const MAX_TASKS_BEFORE = 100_000;

/** Counts stop at these numbers, so that they take up to 30 ms. There are no pages for more tasks. */
export const COUNT_LIMITS = { counted: 200_000, lookedAt: 10_000 };

export interface TaskPageRequest {
  /** From 1. */
  readonly page: number;
  readonly pageSize: number;
  /** Only tasks with a lower number. */
  readonly beforeId?: number | undefined;
  /** Absent: newest first. */
  readonly order?: Order;
}

export interface TaskPage {
  /** The number of tasks on all pages. */
  readonly count: number;
  /** Whether there may be more tasks than counted. */
  readonly isLowerBound: boolean;
  readonly found: readonly ListedTaskDetail[];
  /** The last task that was looked at. Absent: the list has no older ones. */
  readonly searchedTo?: Position | undefined;
  /** For the other pages of the tasks that were looked at, which then stay the same while tasks are created. */
  readonly beforeId?: number | undefined;
}

interface List {
  readonly owner: Owner;
  readonly filter: TaskFilter;
  readonly beforeId: number | undefined;
  readonly order: Order;
}

interface Range {
  readonly offset: number;
  readonly limit: number;
}

/**
 * A search, and an order that no index has, look at the newest 10,000 tasks of the filter, so that they take the same time for
 * thousands of tasks and for millions.
 * @throws DomainError `invalid_input` if too many tasks precede the page
 */
export async function listTaskPage(
  ctx: Context,
  owner: Owner,
  filter: TaskFilter,
  { page, pageSize, beforeId, order = [] }: TaskPageRequest,
): Promise<TaskPage> {
  const offset = (page - 1) * pageSize;
  if (offset > MAX_TASKS_BEFORE) {
    const text = `is after the first ${MAX_TASKS_BEFORE} tasks. Add filters, or use /api/v1/tasks, which has no such limit.`;
    throw invalidField("page", text);
  }
  const list = { owner, filter, beforeId, order: untilUnique(order) };
  const range = { offset, limit: pageSize + 1 };
  const read = isInOrderOfIndex(list) ? readInOrder : readNewest;
  const { searchedTo, rows, countAll, ...part } = await read(ctx, list, range);
  const found = rows.slice(0, pageSize);
  const isLast = rows.length <= pageSize && (rows.length > 0 || offset === 0);
  const seen = offset + rows.length;
  const counted = isLast ? { count: seen, isLowerBound: false } : await countAll();
  return {
    ...part,
    found,
    searchedTo,
    // Tasks that were not counted can be on this page.
    count: rows.length === 0 ? counted.count : Math.max(counted.count, seen),
    isLowerBound: counted.isLowerBound || searchedTo !== undefined,
  };
}

interface Read {
  readonly rows: readonly ListedTaskDetail[];
  readonly searchedTo?: Position | undefined;
  readonly beforeId?: number;
  readonly countAll: () => Promise<Pick<TaskPage, "count" | "isLowerBound">>;
}

/** Whether tasks are found in this order without looking at others. */
function isInOrderOfIndex({ filter, order }: List): boolean {
  if (filter.search?.length) return false;
  const [first, second] = order;
  const key = first?.key === "status" ? second?.key : first?.key;
  return key === undefined || key === "id" || key === "created_at";
}

async function readInOrder(ctx: Context, list: List, range: Range): Promise<Read> {
  const read = list.order[0]?.key === "status" ? readByStatus : readByNumber;
  return { rows: await read(ctx, list, range), countAll: () => countAll(ctx, list) };
}

/** The tasks of one status after those of the other. */
async function readByStatus(ctx: Context, list: List, { offset, limit }: Range): Promise<ListedTaskDetail[]> {
  const [first, ...order] = list.order;
  const { statuses = taskStatus.enumValues } = list.filter;
  // Alphabetically, not in the order of the enum.
  const sorted = [...new Set(statuses)].sort();
  const rows: ListedTaskDetail[] = [];
  let left = offset;
  for (const status of first?.isDescending ? sorted.reverse() : sorted) {
    const own = { ...list, order, filter: { ...list.filter, statuses: [status] } };
    const found = await readByNumber(ctx, own, { offset: left, limit: limit - rows.length });
    rows.push(...found);
    if (rows.length === limit) break;
    if (left > 0)
      left = found.length > 0 ? 0 : left - (await countFirst(ctx, await plainSource(ctx, own), left));
  }
  return rows;
}

/** In the order of numbers, or of the time of creation, with which they ascend. */
async function readByNumber(ctx: Context, list: List, { offset, limit }: Range): Promise<ListedTaskDetail[]> {
  const { order } = list;
  const [first] = order;
  const end = offset + limit;
  const isByTime = first?.key === "created_at";
  const near = isByTime ? await withinFirst(ctx, list, first.isDescending, end) : list;
  const { source, key } = sourceOf(list);
  const wanted = await conditionOf(ctx, near, key);
  const found = isByTime ? source(wanted, null) : source(wanted, end, first !== undefined);
  return select(ctx, found, order, { offset, limit });
}

/** Limits a list to the time in which its first tasks were created. Those of long transactions can have other numbers. */
async function withinFirst(ctx: Context, list: List, isNewest: boolean, count: number): Promise<List> {
  const { source, key } = sourceOf(list);
  const wanted = await conditionOf(ctx, list, key);
  const { rows } = await ctx.db.execute<{ count: number; at: string }>(sql`
    SELECT count(*)::int AS count, ${isNewest ? sql`min` : sql`max`}(created_at) AS at
    FROM (${source(wanted, count, !isNewest)}) AS first`);
  const [found] = rows;
  if (!found || found.count < count) return list;
  const at = new Date(found.at);
  const { before } = list.filter;
  // A date has milliseconds, the time of a task microseconds.
  const after = new Date(Math.min(+at + 1, before ? +before : Number.POSITIVE_INFINITY));
  return { ...list, filter: { ...list.filter, ...(isNewest ? { from: at } : { before: after }) } };
}

/** Whether the list is merged from the kinds and statuses of the owner. */
const isMerged = ({ owner, filter }: Pick<List, "owner" | "filter">): boolean =>
  owner !== null && (filter.type ?? filter.statuses) !== undefined;

/** The source of the tasks of a list in the order of numbers, and the number as its conditions name it. */
function sourceOf({ owner, filter }: Pick<List, "owner" | "filter">): { source: Source; key: SQL } {
  if (owner !== null && isMerged({ owner, filter }))
    return { source: mergedOf(owner, filter), key: sql`number + 0` };
  const ordered = (limit: number, isAscending: boolean) =>
    sql`ORDER BY number ${isAscending ? sql`ASC` : sql`DESC`} LIMIT ${limit}`;
  return {
    source: (wanted, limit, isAscending = false) => sql`
      SELECT * FROM rowmill.tasks WHERE ${and(isOwnedBy(owner), wanted)} ${limit === null ? sql`` : ordered(limit, isAscending)}`,
    key: sql`number`,
  };
}

/** The newest tasks, up to the limit of a search, and those of them that have the words. */
async function readNewest(ctx: Context, list: List, range: Range): Promise<Read> {
  const { owner, order } = list;
  const { search = [], searched = ["title", "description", "fileName"], ...filter } = list.filter;
  const { source, key } = sourceOf({ owner, filter });
  const all = await conditionOf(ctx, { ...list, filter }, key);
  const beforeId = list.beforeId ?? (await newestNumber(ctx, source(all, 1))) + 1;
  const listed = sql`${all} AND ${key} < ${beforeId}::bigint`;
  const lookedAt = (last: Position["key"] | null) => {
    const isLookedAt = last === null ? undefined : sql`${key} >= ${last}::bigint`;
    const wanted = and(listed, isLookedAt, matches({ search, searched })) ?? listed;
    // Others can have got the status since the last task was found.
    return source(wanted, 2 * COUNT_LIMITS.lookedAt);
  };
  const { items, searchedTo } = await searchList(ctx.db, {
    list: (limit) => source(listed, limit),
    key: "number",
    texts: search.length === 0 ? [] : searched.map((name) => tasks[name].name),
    read: async (last) => ({ items: await select(ctx, lookedAt(last), order, range), hasMore: false }),
  });
  const count = () => countFirst(ctx, lookedAt(searchedTo?.key ?? null), 2 * COUNT_LIMITS.lookedAt);
  return {
    rows: items,
    searchedTo,
    beforeId,
    // Without words, all tasks that were looked at are on the pages.
    countAll: async () => ({
      count: searchedTo && search.length === 0 ? COUNT_LIMITS.lookedAt : await count(),
      isLowerBound: false,
    }),
  };
}

/** @returns 0 if the source is empty */
async function newestNumber({ db }: Context, source: SQL): Promise<number> {
  const { rows } = await db.execute<{ number: string }>(sql`SELECT number FROM (${source}) AS newest`);
  return Number(rows[0]?.number ?? 0);
}

async function select(
  { db }: Context,
  source: SQL,
  order: Order,
  { offset, limit }: Range,
): Promise<ListedTaskDetail[]> {
  const found = db.$with("task", listedColumns).as(source);
  const owners = db.select(ownerColumns).from(users).as("owner");
  return await db
    .with(found)
    .select()
    .from(found)
    .innerJoin(owners, eq(owners.id, found.userId))
    .orderBy(...byOrder(order))
    .limit(limit)
    .offset(offset);
}

/** Stops at limits, as the counts of `/api/v1/tasks/stats` do, but earlier. */
async function countAll(ctx: Context, list: List): Promise<Pick<TaskPage, "count" | "isLowerBound">> {
  const { owner, filter, beforeId } = list;
  if (beforeId !== undefined) {
    const count = await countFirst(ctx, await plainSource(ctx, list), COUNT_LIMITS.lookedAt);
    return { count, isLowerBound: count === COUNT_LIMITS.lookedAt };
  }
  const counted = await countUpTo(ctx, owner, filter, COUNT_LIMITS);
  return { count: totalOf(counted.counts), isLowerBound: counted.isLowerBound };
}

async function countFirst({ db }: Context, source: SQL, limit: number): Promise<number> {
  const { rows } = await db.execute<{ count: number }>(
    sql`SELECT count(*)::int AS count FROM (SELECT FROM (${source}) AS task LIMIT ${limit}) AS first`,
  );
  return rows[0]?.count ?? 0;
}

async function plainSource(ctx: Context, list: List): Promise<SQL> {
  const where = and(isOwnedBy(list.owner), await conditionOf(ctx, list, sql`number`));
  return sql`SELECT * FROM rowmill.tasks WHERE ${where}`;
}

/** Tasks that were created in a time are found by their numbers, and not among those of all users. */
async function conditionOf(ctx: Context, { owner, filter, beforeId }: List, key: SQL): Promise<SQL> {
  const isOlder = beforeId === undefined ? undefined : sql`${key} < ${beforeId}::bigint`;
  const isOwn = owner === null || isMerged({ owner, filter }) ? undefined : await upToNewest(ctx, owner);
  return (
    and(apartFromOthers(filter), await numbersWithin(ctx, owner, filter, key), isOlder, isOwn) ?? sql`true`
  );
}

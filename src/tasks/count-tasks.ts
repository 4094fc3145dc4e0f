/** Counts tasks by status, and stops at a limit, so that it takes about the same time for thousands of tasks and for millions. */
import { and, type SQL, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { haveFewEnded } from "../platform/postgres/few-ended.ts";
import { type TaskStatus, taskStatus } from "../schema/tasks.ts";
import { isRare, runInOrder, unnested } from "./few-tasks.ts";
import { isOfKind, kindsOf } from "./kinds.ts";
import { apartFromOthers, conditionsOf, ENDED_TASKS, numbersWithin } from "./list-tasks.ts";
import { matches, type TaskFilter } from "./queries.ts";
import { isOwnedBy, type Owner } from "./transitions.ts";

export interface CountLimits {
  /** The tasks of a status that are counted without looking at them. */
  readonly counted: number;
  /** The newest tasks of each type, queue and status that are looked at, and those with a rare tag. */
  readonly lookedAt: number;
}

/** Each of them takes up to 20 ms. */
const LIMITS: CountLimits = { counted: 500_000, lookedAt: 10_000 };

export interface TaskCount {
  readonly counts: Readonly<Record<TaskStatus, number>>;
  /** Whether there may be more tasks than counted. */
  readonly isLowerBound: boolean;
}

/** @param owner null: the tasks of all users, of which a filter by more than the status counts few */
export async function countUpTo(
  ctx: Context,
  owner: Owner,
  filter: TaskFilter,
  limits: CountLimits = LIMITS,
): Promise<TaskCount> {
  const rows = await readCounts(ctx, owner, filter, limits);
  const zeros = Object.fromEntries(taskStatus.enumValues.map((status) => [status, 0]));
  const counts = Object.fromEntries(rows.map(({ status, count }) => [status, Number(count)]));
  return {
    counts: { ...zeros, ...counts } as Record<TaskStatus, number>,
    isLowerBound: rows.some(({ hasMore }) => hasMore),
  };
}

interface CountOfStatus extends Record<string, unknown> {
  readonly status: TaskStatus;
  readonly count: string;
  readonly hasMore: boolean;
}

async function readCounts(
  ctx: Context,
  owner: Owner,
  filter: TaskFilter,
  limits: CountLimits,
): Promise<CountOfStatus[]> {
  const { statuses, ...others } = filter;
  // After many changes, PostgreSQL would rather read the whole table, once for each status.
  if (matches(others) === undefined)
    return runInOrder<CountOfStatus>(ctx, countOfStatuses(owner, statuses, limits.counted));
  return (await ctx.db.execute<CountOfStatus>(await countOfMatches(ctx, owner, filter, limits))).rows;
}

async function countOfMatches(
  ctx: Context,
  owner: Owner,
  filter: TaskFilter,
  { lookedAt }: CountLimits,
): Promise<SQL> {
  // These have indexes of their own.
  const isSmall = filter.groupId ?? filter.workflowId ?? (filter.tag && (await isRare(ctx, owner, filter)));
  if (owner === null || isSmall) return countOfFew(owner, conditionsOf(filter), lookedAt);
  const hasFewEnded = filter.endedFrom !== undefined && (await haveFewEnded(ctx.db, ENDED_TASKS, filter));
  if (hasFewEnded) return countOfFew(owner, matches(filter), lookedAt);
  return countOfNewest(owner, filter, lookedAt, await numbersWithin(ctx, owner, filter, sql`number + 0`));
}

/** Reads nothing but an index, `tasks_owner_status` or that of all users. */
function countOfStatuses(
  owner: Owner,
  statuses: readonly TaskStatus[] = taskStatus.enumValues,
  limit: number,
): SQL {
  return sql`
    SELECT known.status, least(found.count, ${limit}::int) AS count, found.count > ${limit} AS "hasMore"
    FROM ${unnested(statuses)} CROSS JOIN LATERAL (
      SELECT count(*) FROM (
        SELECT FROM rowmill.tasks WHERE ${and(isOwnedBy(owner), sql`tasks.status = known.status`)} LIMIT ${limit + 1}
      ) AS first
    ) AS found`;
}

function countOfFew(owner: Owner, wanted: SQL | undefined, limit: number): SQL {
  return sql`
    SELECT status, least(count(*), ${limit}::int) AS count, sum(count(*)) OVER () > ${limit} AS "hasMore" FROM (
      SELECT status FROM rowmill.tasks WHERE ${and(isOwnedBy(owner), wanted)} LIMIT ${limit + 1}
    ) AS first GROUP BY status`;
}

function countOfNewest(owner: number, filter: TaskFilter, limit: number, isInBounds = sql`true`): SQL {
  const { type: _type, queue: _queue, statuses: _statuses, ...others } = filter;
  const { kinds, each } = kindsOf(owner, filter);
  return sql`
    ${kinds}
    SELECT known.status, sum(least(looked.matching, ${limit}::int)) AS count, bool_or(looked.count > ${limit}) AS "hasMore"
    FROM ${each} CROSS JOIN LATERAL (
      SELECT count(*) FILTER (WHERE "isMatch") AS matching, count(*) FROM (
        SELECT ${apartFromOthers(others) ?? sql`true`} AS "isMatch" FROM rowmill.tasks
        WHERE ${isOfKind(owner)} AND ${isInBounds} ORDER BY number + 0 DESC LIMIT ${limit + 1}
      ) AS newest
    ) AS looked
    GROUP BY known.status`;
}

/** The kinds of tasks that an owner has: their types and queues. Lists and counts read the index of kinds and statuses. */
import { type SQL, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { taskStatus } from "../schema/tasks.ts";
import { unnested } from "./few-tasks.ts";
import type { TaskFilter } from "./queries.ts";
import { ENDED_STATUSES } from "./state.ts";

/** Makes the source of the tasks that are wanted, the newest first unless it is ascending. `limit` null: all of them. */
export type Source = (wanted: SQL, limit: number | null, isAscending?: boolean) => SQL;

/** Makes sources that are merged from the first tasks of each kind and status. Their conditions name the number as `number + 0`. */
export function mergedOf(owner: number, filter: TaskFilter): Source {
  const { kinds, each } = kindsOf(owner, filter);
  return (wanted, limit, isAscending = false) => {
    const direction = isAscending ? sql`ASC` : sql`DESC`;
    return sql`
      ${kinds}
      SELECT item.* FROM ${each} CROSS JOIN LATERAL (
        SELECT * FROM rowmill.tasks WHERE ${isOfKind(owner)} AND ${wanted} ORDER BY number + 0 ${direction} LIMIT ${limit}
      ) AS item ORDER BY item.number ${direction} LIMIT ${limit}`;
  };
}

/**
 * A condition for lists that are read by `tasks_owner`. PostgreSQL prefers the order of all tasks for an owner who has most of them, and
 * would pass those that others have created since.
 */
export async function upToNewest({ db }: Context, owner: number): Promise<SQL> {
  const newest = mergedOf(owner, {})(sql`true`, 1);
  const { rows } = await db.execute<{ number: string }>(sql`SELECT number FROM (${newest}) AS newest`);
  return sql`number <= ${rows[0]?.number ?? 0}::bigint`;
}

/** The kinds of tasks that the owner has, as a WITH clause and with each status that the filter matches. */
export function kindsOf(owner: number, filter: TaskFilter): { readonly kinds: SQL; readonly each: SQL } {
  const {
    type,
    queue,
    statuses = filter.endedFrom || filter.endedBefore ? ENDED_STATUSES : taskStatus.enumValues,
  } = filter;
  const status = unnested(statuses);
  const isOwn = sql`user_id + 0 = ${owner}`;
  const [first, next] =
    type === undefined
      ? [sql`type > ''`, sql`(tasks.type, tasks.queue) > (kind.type, kind.queue)`]
      : [sql`type = ${type}`, sql`tasks.type = ${type} AND tasks.queue > kind.queue`];
  const isWanted = queue === undefined ? sql`true` : sql`kind.queue = ${queue}`;
  const kinds = sql`
    WITH RECURSIVE kind (type, queue) AS (
      (SELECT type, queue FROM rowmill.tasks WHERE ${isOwn} AND ${first} ORDER BY type, queue LIMIT 1)
      UNION ALL
      SELECT next.* FROM kind CROSS JOIN LATERAL (
        SELECT type, queue FROM rowmill.tasks WHERE ${isOwn} AND ${next} ORDER BY type, queue LIMIT 1
      ) AS next
    )`;
  return { kinds, each: sql`(SELECT * FROM kind WHERE ${isWanted}) AS kind CROSS JOIN ${status}` };
}

/** Matches the index `tasks_owner_type` and no other one. */
export const isOfKind = (owner: number): SQL => sql`user_id + 0 = ${owner}
  AND tasks.type = kind.type AND tasks.queue = kind.queue AND tasks.status = known.status`;

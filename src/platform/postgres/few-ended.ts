/** Lists of items that ended in a time. If these are few, they are read from the index of their ends, and sorted. */
import { type SQL, sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import type { RunStatement } from "./read-page.ts";
import { isBetween } from "./within-times.ts";

export interface EndedList {
  readonly table: SQL;
  /** The time of the end, as the index has it. */
  readonly endedAt: SQL;
  /** Up to this number, items are read from the index and sorted. */
  readonly maxSorted: number;
}

interface EndedTimes {
  readonly endedFrom?: Date;
  /** Ended earlier than this. */
  readonly endedBefore?: Date;
}

/** Items of all users that ended in the time, in the order of the index: without an order the planner may read all items. */
function endedIn({ table, endedAt }: EndedList, { endedFrom, endedBefore }: EndedTimes, limit: number): SQL {
  return sql`SELECT id FROM ${table} WHERE ${isBetween(endedAt, endedFrom, endedBefore)} ORDER BY ${endedAt} LIMIT ${limit}`;
}

/**
 * Whether so few items of all users ended in the time that they can be sorted.
 * @param run absent: outside of a transaction
 */
export async function haveFewEnded(
  db: Database,
  list: EndedList,
  times: EndedTimes,
  run: RunStatement = async (statement) => (await db.execute(statement)).rows,
): Promise<boolean> {
  const [found] = await run(
    sql`SELECT count(*)::int AS count FROM (${endedIn(list, times, list.maxSorted + 1)}) AS ended`,
  );
  return Number(found?.count ?? 0) <= list.maxSorted;
}

/**
 * A source for a time in which few items ended. More may have ended since they were counted. The ids are planned alone, because
 * PostgreSQL 15 expects fewer rows from a parallel plan than from an index, and would read all items to have fewer rows to join.
 */
export function amongEnded(list: EndedList, times: EndedTimes, wanted: SQL): SQL {
  return sql`
    WITH ended AS MATERIALIZED (${endedIn(list, times, 2 * list.maxSorted)})
    SELECT item.* FROM ended
    CROSS JOIN LATERAL (SELECT * FROM ${list.table} WHERE id = ended.id AND ${wanted} LIMIT 1) AS item`;
}

/** Conditions on times for lists in the order of ids or numbers, which ascend with the time of creation. */
import { and, gte, lt, type SQL, sql } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";
import { firstUuidV7 } from "../ids.ts";
import type { Database } from "./database.ts";

/** The most by which the time of an id, which a process sets, can differ from `created_at`, which is the start of the transaction. */
const CLOCKS_MS = 600_000;

/** Less than the id of every item that was created at this time or later. */
export const idBefore = (time: Date) => firstUuidV7(new Date(time.getTime() - CLOCKS_MS));

/** Greater than the id of every item that was created before this time. */
export const idAfter = (time: Date) => firstUuidV7(new Date(time.getTime() + CLOCKS_MS));

/** A condition that an index of `moment` can serve. */
export function isBetween(
  moment: SQL | PgColumn,
  from: Date | undefined,
  before: Date | undefined,
): SQL | undefined {
  return and(
    from && sql`${moment} >= ${from.toISOString()}::timestamptz`,
    before && sql`${moment} < ${before.toISOString()}::timestamptz`,
  );
}

/**
 * Matches no index. The planner expects CASE of half of the items: if it expected few, as between two times, it would read and sort
 * all items instead of following the order of the list.
 * @param moment a column that an index may have
 */
export function isWithin(
  moment: SQL | PgColumn,
  from: Date | undefined,
  before: Date | undefined,
): SQL | undefined {
  const isIn = isBetween(moment, from, before);
  return isIn && sql`CASE WHEN ${isIn} THEN true END`;
}

/** The items that were created at `from` or later, and before `before`. The index of ids finds them. */
export function createdWithin(
  { id, createdAt }: { readonly id: PgColumn; readonly createdAt: PgColumn },
  from: Date | undefined,
  before: Date | undefined,
): SQL | undefined {
  return and(
    from && gte(id, idBefore(from)),
    before && lt(id, idAfter(before)),
    isWithin(createdAt, from, before),
  );
}

/** The first of the times before which the items of a filter were created; an item is created before it ends. */
export function createdUntil(...times: readonly (Date | undefined)[]): Date | undefined {
  const [first] = times.flatMap((time) => (time ? [+time] : [])).sort((a, b) => a - b);
  return first === undefined ? undefined : new Date(first);
}

/**
 * Finds the condition on numbers that follows from the times of a filter, because numbers ascend with the time of creation.
 * @param key the number, as the index of the list has it
 * @param above selects the last number before the time
 * @param below selects the first number after the time
 */
export async function numbersBetween(
  db: Database,
  key: SQL,
  above: SQL | undefined,
  below: SQL | undefined,
): Promise<SQL | undefined> {
  if (!above && !below) return undefined;
  const none = sql`NULL::bigint`;
  const { rows } = await db.execute<{ above: string | null; below: string | null }>(
    sql`SELECT ${above ?? none} AS above, ${below ?? none} AS below`,
  );
  const [found] = rows;
  return and(
    found?.above ? sql`${key} > ${found.above}::bigint` : undefined,
    found?.below ? sql`${key} < ${found.below}::bigint` : undefined,
  );
}

/** Drops rows and results by day (UTC): they have one partition per day in which batches were created. */
import { and, gte, inArray, lt, type SQL, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { DAY_MS } from "../../platform/durations.ts";
import { clientTransaction } from "../../platform/postgres/client-transaction.ts";
import { databaseOn, postgresError } from "../../platform/postgres/database.ts";
import {
  dropDayPartition,
  listDayPartitions,
  type PartitionedDays,
} from "../../platform/postgres/partitions/day-partitions.ts";
import { firstIdOf } from "../../platform/postgres/partitions/exchange-tables.ts";
import { SQLSTATE } from "../../platform/sqlstates.ts";
import { batches } from "../../schema/batches.ts";
import { ROW_TABLES } from "../../schema/day-tables.ts";
import { ENDED_STATES, transitions } from "../state.ts";

/** How long others wait behind the clean-up. Longer than the time after which PostgreSQL looks for deadlocks would be of no use. */
const LOCK_TIMEOUT = "500ms";

/**
 * Others use the tables, or another role owns them: on nodes of Citus, one transaction cannot change batches as one role and drop
 * partitions as another.
 */
const KEEPS_DAYS: ReadonlySet<string> = new Set([SQLSTATE.lockNotAvailable, SQLSTATE.featureNotSupported]);

/** Lists the days whose partitions this role may drop, in order. */
export function listDays({ pool }: Context): Promise<PartitionedDays[]> {
  return listDayPartitions(pool, ROW_TABLES);
}

/** The batches of these days. */
function isOf({ from, to }: PartitionedDays): SQL | undefined {
  return and(from ? gte(batches.id, firstIdOf(from)) : undefined, lt(batches.id, firstIdOf(to)));
}

/** The condition that a batch has expired. */
export function hasEndedBefore(limit: Date): SQL | undefined {
  return and(inArray(batches.state, [...ENDED_STATES]), lt(batches.finishedAt, limit));
}

/**
 * Marks expired batches as being deleted, so that their owners can no longer retry or change them. The caller, or the reconciler, removes them.
 * @returns their ids
 */
export async function deleteExpired(
  { db, now }: Pick<Context, "db" | "now">,
  limit: Date,
  which: SQL | undefined,
): Promise<string[]> {
  const deleting = await db
    .update(batches)
    .set({ state: transitions.delete.to, finishedAt: null, receivedAt: now() })
    .where(and(which, hasEndedBefore(limit)))
    .returning({ id: batches.id });
  return deleting.map(({ id }) => id);
}

/**
 * Drops the partitions of days if all of their batches ended before the limit. These batches are then being deleted: the caller, or
 * the reconciler, removes what else they have.
 * @returns their ids; null if the days are still needed, or cannot be dropped now
 */
export async function dropDays(ctx: Context, days: PartitionedDays, limit: Date): Promise<string[] | null> {
  const isNeeded = and(isOf(days), sql`(${hasEndedBefore(limit)}) IS NOT TRUE`);
  const needed = await ctx.db.select({ id: batches.id }).from(batches).where(isNeeded).limit(1);
  if (needed.length > 0) return null;
  try {
    return await clientTransaction(ctx.pool, "BEGIN", async (client) => {
      const db = databaseOn(client);
      await db.execute(sql`SET LOCAL lock_timeout = ${sql.raw(`'${LOCK_TIMEOUT}'`)}`);
      // Citus changes the rows of several nodes and drops tables in one transaction only with one connection per node.
      await db.execute(sql`SELECT set_config('citus.multi_shard_modify_mode', 'sequential', true)`);
      const deleting = await deleteExpired({ db, now: ctx.now }, limit, isOf(days));
      for (const table of ROW_TABLES)
        if (!(await dropDayPartition(client, table, new Date(days.to.getTime() - DAY_MS))))
          throw new StillNeeded();
      // Its owner may have retried or deleted a batch meanwhile, and an API with another clock may have stored one: under the locks of
      // the dropped partitions, nobody stores rows of it.
      if ((await db.$count(batches, isOf(days))) !== deleting.length) throw new StillNeeded();
      return deleting;
    });
  } catch (error) {
    if (error instanceof StillNeeded || KEEPS_DAYS.has(postgresError(error)?.code ?? "")) return null;
    throw error;
  }
}

/** Rolls the transaction back. */
class StillNeeded extends Error {}

import { eq, sql } from "drizzle-orm";
import { type Context, inTransaction } from "../../context.ts";
import { queueStatistics, statistics } from "../../schema/statistics.ts";
import { listQueues } from "../queries.ts";
import { countWork } from "../workers/count-work.ts";
import { aliveWorkers } from "../workers/queries.ts";

export const MINUTE_MS = 60_000;

/**
 * Records the numbers of the current minute, unless another worker has. If two measure at the same time, the one that
 * commits first counts the work of all workers, and the other one changes nothing.
 * @returns whether this call has recorded them
 */
export async function recordMinute(ctx: Context): Promise<boolean> {
  const minute = new Date(Math.floor(ctx.now().getTime() / MINUTE_MS) * MINUTE_MS);
  const recorded = await ctx.db.$count(statistics, eq(statistics.minute, minute));
  if (recorded > 0) return false;
  const [queues, alive, databaseBytes] = await Promise.all([
    listQueues(ctx),
    aliveWorkers(ctx),
    readDatabaseBytes(ctx),
  ]);
  const numbers = queues.map(({ queue, waiting, scheduled, active, oldestWaitingSeconds }) => ({
    minute,
    queue,
    waiting,
    scheduled,
    active,
    oldestWaitingSeconds: oldestWaitingSeconds && Math.max(0, Math.round(oldestWaitingSeconds)),
  }));
  return inTransaction(ctx, async (tx) => {
    const inserted = await tx.db
      .insert(statistics)
      .values({
        minute,
        workersAlive: alive.length,
        workersBusy: alive.filter(({ running }) => running.length > 0).length,
        databaseBytes,
      })
      .onConflictDoNothing()
      .returning({ minute: statistics.minute });
    if (inserted.length === 0) return false;
    await tx.db.insert(queueStatistics).values(numbers);
    await countWork(tx);
    return true;
  });
}

/** null: the role may not ask for it, or the database is no PostgreSQL. */
async function readDatabaseBytes({ db, log }: Context): Promise<number | null> {
  try {
    const { rows } = await db.execute<{ bytes: string }>(
      sql`SELECT pg_database_size(current_database()) AS bytes`,
    );
    return Number(rows[0]?.bytes ?? 0);
  } catch (error) {
    log.debug({ err: error }, "could not read the size of the database");
    return null;
  }
}

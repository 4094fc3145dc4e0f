import { and, isNotNull, lte, sql } from "drizzle-orm";
import type { Context, Tx } from "../context.ts";
import { jobs } from "../jobs.ts";
import { schedules } from "../schema/schedules.ts";
import { ownTickJob, tickJob } from "../tasks/wake-ticks.ts";
import type { Schedule } from "./queries.ts";

/** Jobs exist for the ticks of this time, so there are never more than one per second. The reconciler adds the next ones. */
const AHEAD_MS = 180_000;

/** Adds the jobs that run the next ticks. Call it outside of transactions, after ticks have moved. */
export async function wakeNextTicks(ctx: Context): Promise<void> {
  const until = new Date(ctx.now().getTime() + AHEAD_MS);
  const second = sql<string>`date_trunc('second', ${schedules.nextRunAt} + interval '999999 microseconds')`;
  const due = await ctx.db
    .selectDistinct({ second })
    .from(schedules)
    .where(and(isNotNull(schedules.nextRunAt), lte(schedules.nextRunAt, until)))
    .orderBy(second)
    .limit(AHEAD_MS / 1000);
  const added = due.map((row) => tickJob(ctx, new Date(row.second)));
  if (added.length > 0) await ctx.queue.add(ctx.db, jobs.runTicks, added);
}

/** Call it after a schedule was changed: workers pass over a schedule while a change has locked it. */
export async function wakeTicksOf(ctx: Context, { nextRunAt }: Schedule): Promise<void> {
  const now = ctx.now();
  if (nextRunAt && nextRunAt <= now) {
    await ctx.queue.add(ctx.db, jobs.runTicks, [ownTickJob(ctx)]);
  } else await wakeNextTicks(ctx);
}

/** Longer than a transaction that has locked a schedule. */
const PASS_MS = 2000;

/** Call it in a transaction that has locked a schedule: workers pass over its tick if it becomes due meanwhile. */
export async function wakePassedTick(tx: Tx, { nextRunAt }: Schedule): Promise<void> {
  const now = tx.now();
  if (!nextRunAt || nextRunAt.getTime() > now.getTime() + PASS_MS) return;
  await tx.queue.add(tx.db, jobs.runTicks, [ownTickJob(tx, PASS_MS / 1000)]);
}

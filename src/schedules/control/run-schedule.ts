import { desc, eq } from "drizzle-orm";
import { recordAudit } from "../../audit/record-audit.ts";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { scheduleTicks } from "../../schema/schedules.ts";
import type { Owner } from "../../tasks/transitions.ts";
import { lockSchedule, type Schedule, type Tick } from "../queries.ts";
import { createWork } from "../run/create-work.ts";
import { recordTick } from "../run/record-tick.ts";
import { fire } from "../run/run-tick.ts";
import { wakePassedTick } from "../wake.ts";

/**
 * Runs a schedule now, also if it is disabled. Its next tick stays.
 * @param mustObeyOverlap whether the tick is skipped, waits or replaces, as `overlap` says
 * @throws DomainError `not_found`, and all that creating the work by hand throws
 */
export function runSchedule(
  ctx: Context | Tx,
  ownerId: Owner,
  id: string,
  { mustObeyOverlap = false } = {},
): Promise<Tick> {
  return inTransaction(ctx, async (tx) => {
    const schedule = await lockSchedule(tx, ownerId, id);
    const tick = { tickAt: await manualTickAt(tx, schedule), isManual: true };
    const fired = mustObeyOverlap
      ? await fire(tx, schedule, tick)
      : { ...tick, state: "created" as const, ...(await createWork(tx, schedule, tick.tickAt)) };
    if (tx.actor?.id !== schedule.userId) {
      await recordAudit(tx, {
        action: "schedule.run",
        subject: { type: "schedule", id },
        ownerId: schedule.userId,
        details: { name: schedule.name },
      });
    }
    await wakePassedTick(tx, schedule);
    return recordTick(tx, schedule, fired);
  });
}

/** The times of the ticks of a schedule are unique. */
async function manualTickAt(tx: Tx, { id }: Schedule): Promise<Date> {
  const [last] = await tx.db
    .select({ tickAt: scheduleTicks.tickAt })
    .from(scheduleTicks)
    .where(eq(scheduleTicks.scheduleId, id))
    .orderBy(desc(scheduleTicks.tickAt))
    .limit(1);
  // No tick of an expression is at this time: they are at full minutes.
  const now = Math.floor(tx.now().getTime() / 2) * 2 + 1;
  return new Date(Math.max(now, (last?.tickAt.getTime() ?? 0) + 2));
}

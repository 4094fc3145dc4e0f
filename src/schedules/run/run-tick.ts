import { and, asc, count, eq, inArray, lte, sql } from "drizzle-orm";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { plural } from "../../platform/plural.ts";
import { isTransient, underSavepoint } from "../../platform/postgres/database.ts";
import { schedules, scheduleTicks } from "../../schema/schedules.ts";
import type { Schedule } from "../queries.ts";
import { dueTicks, MAX_COUNTED, nextOf } from "../timing.ts";
import { cancelOpenWork, createWork, findOpenWork } from "./create-work.ts";
import { followOutcome, type NewTick, recordTick } from "./record-tick.ts";

/** The ticks of a schedule that wait at a time. Further ones are skipped. */
export const MAX_WAITING = 10;

/**
 * Runs the tick of the first of these schedules that is due and that no other worker has, and moves the schedule to its next
 * tick, in one transaction.
 * @param onTaken called with the id of the schedule
 * @returns false if none is left
 */
export function runTick(
  ctx: Context,
  ids: readonly string[],
  onTaken: (id: string) => void,
): Promise<boolean> {
  return inTransaction(ctx, async (tx) => {
    const now = tx.now();
    const schedule = await takeFirst(tx, ids);
    if (!schedule?.nextTickAt) return false;
    onTaken(schedule.id);
    const { latest, isLate, missed } = dueTicks(schedule, schedule.nextTickAt, now);
    await tx.db.update(schedules).set(nextOf(schedule, latest)).where(eq(schedules.id, schedule.id));
    const isMissed = isLate && schedule.missed === "skip";
    if (missed || isMissed) {
      await recordMissed(tx, schedule, missed?.first ?? latest, (missed?.count ?? 0) + (isMissed ? 1 : 0));
    }
    if (!isMissed && !(await hasHappened(tx, schedule, latest))) {
      await recordTick(tx, schedule, await fire(tx, schedule, { tickAt: latest }));
    }
    return true;
  });
}

async function takeFirst(tx: Tx, ids: readonly string[]): Promise<Schedule | undefined> {
  const [schedule] = await tx.db
    .select()
    .from(schedules)
    .where(and(inArray(schedules.id, [...ids]), lte(schedules.nextRunAt, tx.now())))
    .orderBy(sql`array_position(${sql.param([...ids])}::uuid[], ${schedules.id})`)
    .limit(1)
    .for("update", { skipLocked: true });
  return schedule;
}

/** Runs the oldest waiting tick of a schedule if the work of earlier ticks has ended. @returns whether it has */
export function runWaitingTick(
  ctx: Context,
  scheduleId: string,
  onTaken: (id: string) => void,
): Promise<boolean> {
  return inTransaction(ctx, async (tx) => {
    const [schedule] = await tx.db
      .select()
      .from(schedules)
      .where(eq(schedules.id, scheduleId))
      .for("update", { skipLocked: true });
    if (!schedule) return false;
    onTaken(scheduleId);
    if ((await findOpenWork(tx, schedule)) !== null) return false;
    const isWaiting = and(eq(scheduleTicks.scheduleId, scheduleId), eq(scheduleTicks.state, "waiting"));
    const oldest = tx.db.select().from(scheduleTicks).where(isWaiting).orderBy(asc(scheduleTicks.tickAt));
    const [waiting] = await oldest.limit(1);
    if (!waiting) return false;
    const outcome = await attempt(tx, schedule, waiting.tickAt);
    const [tick] = await tx.db
      .update(scheduleTicks)
      .set({ code: null, reason: null, blockedBy: null, ...outcome })
      .where(and(isWaiting, eq(scheduleTicks.tickAt, waiting.tickAt)))
      .returning();
    if (tick) await followOutcome(tx, schedule, tick);
    return true;
  });
}

/** Whether the tick was recorded before the schedule was changed. */
async function hasHappened(tx: Tx, { id }: Schedule, tickAt: Date): Promise<boolean> {
  const isSame = and(eq(scheduleTicks.scheduleId, id), eq(scheduleTicks.tickAt, tickAt));
  return (await tx.db.$count(scheduleTicks, isSame)) > 0;
}

async function recordMissed(tx: Tx, schedule: Schedule, first: Date, missedCount: number): Promise<void> {
  if (await hasHappened(tx, schedule, first)) return;
  const isAtLeast = missedCount >= MAX_COUNTED ? "At least " : "";
  const reason = `${isAtLeast}${plural(missedCount, "tick")} passed while no worker ran.`;
  await recordTick(tx, schedule, { tickAt: first, state: "skipped", code: "missed", reason, missedCount });
}

/** A tick that is skipped because of `overlap: skip`. */
export const OVERLAPPED = {
  state: "skipped",
  code: "overlap",
  reason: "The work of an earlier tick had not ended.",
} as const;

/** Creates the work of a tick, unless work of earlier ticks is in its way. */
export async function fire(
  tx: Tx,
  schedule: Schedule,
  tick: Pick<NewTick, "tickAt" | "isManual">,
): Promise<NewTick> {
  const open = schedule.overlap === "allow" ? null : await findOpenWork(tx, schedule);
  const blocked = { ...tick, code: "overlap", blockedBy: open };
  if (open !== null && schedule.overlap === "skip") return { ...tick, ...OVERLAPPED, blockedBy: open };
  if (schedule.overlap === "queue") {
    const waiting = await countWaiting(tx, schedule);
    if (waiting >= MAX_WAITING) {
      const reason = `${plural(MAX_WAITING, "tick")} waited already, which is the limit.`;
      return { ...blocked, state: "skipped", reason };
    }
    if (open !== null || waiting > 0) {
      return { ...blocked, state: "waiting", reason: "The work of an earlier tick has not ended." };
    }
  }
  return { ...tick, ...(await attempt(tx, schedule, tick.tickAt)) };
}

async function countWaiting(tx: Tx, { id }: Schedule): Promise<number> {
  const isWaiting = and(eq(scheduleTicks.scheduleId, id), eq(scheduleTicks.state, "waiting"));
  const [found] = await tx.db.select({ waiting: count() }).from(scheduleTicks).where(isWaiting);
  return found?.waiting ?? 0;
}

type Outcome = Pick<NewTick, "state"> & Partial<NewTick>;

/**
 * A refusal undoes what the attempt has done. It is data: it does not stop the schedule.
 * @throws if the database is in trouble: another worker tries the tick again
 */
async function attempt(tx: Tx, schedule: Schedule, tickAt: Date): Promise<Outcome> {
  try {
    const work = await underSavepoint(tx, async () => {
      if (schedule.overlap === "replace") {
        await cancelOpenWork(tx, schedule, `Replaced by the tick of ${tickAt.toISOString()}.`);
      }
      return createWork(tx, schedule, tickAt);
    });
    return { state: "created", ...work };
  } catch (error) {
    if (isTransient(error)) throw error;
    if (error instanceof DomainError) return { state: "failed", code: error.code, reason: error.message };
    tx.log.error({ err: error, scheduleId: schedule.id }, "a tick has failed");
    const reason = "Internal error. It is in the log of the worker, with the id of the schedule.";
    return { state: "failed", code: "internal_error", reason };
  }
}

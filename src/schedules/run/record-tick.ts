import { and, desc, eq, lt, ne, sql } from "drizzle-orm";
import { announce } from "../../announcements/announce.ts";
import type { Tx } from "../../context.ts";
import { schedules, scheduleTicks } from "../../schema/schedules.ts";
import type { Schedule, Tick } from "../queries.ts";

/** The ticks that stay in the history of a schedule. Each is about 200 bytes. */
export const KEPT_TICKS = 500;

export type NewTick = Pick<Tick, "tickAt" | "state"> & Partial<Omit<Tick, "scheduleId">>;

/** Adds a tick to the history of a locked schedule, and removes the oldest one if there are KEPT_TICKS. */
export async function recordTick(tx: Tx, schedule: Schedule, tick: NewTick): Promise<Tick> {
  const { id: scheduleId } = schedule;
  const [recorded] = await tx.db
    .insert(scheduleTicks)
    .values({ ...tick, scheduleId, createdAt: tx.now() })
    .returning();
  if (!recorded) throw new Error("The tick was not recorded.");
  const oldestKept = tx.db
    .select({ tickAt: scheduleTicks.tickAt })
    .from(scheduleTicks)
    .where(eq(scheduleTicks.scheduleId, scheduleId))
    .orderBy(desc(scheduleTicks.tickAt))
    .offset(KEPT_TICKS - 1)
    .limit(1);
  const isOld = and(
    eq(scheduleTicks.scheduleId, scheduleId),
    ne(scheduleTicks.state, "waiting"),
    lt(scheduleTicks.tickAt, sql`(${oldestKept})`),
  );
  await tx.db.delete(scheduleTicks).where(isOld);
  await followOutcome(tx, schedule, recorded);
  return recorded;
}

/** Announces the first failure after a success, and forgets failures after a success. */
export async function followOutcome(tx: Tx, schedule: Schedule, tick: Tick): Promise<void> {
  const { id, userId, name, failingSince } = schedule;
  if (tick.state === "created" && failingSince !== null) {
    await tx.db.update(schedules).set({ failingSince: null }).where(eq(schedules.id, id));
  }
  if (tick.state !== "failed" || failingSince !== null) return;
  await tx.db.update(schedules).set({ failingSince: tx.now() }).where(eq(schedules.id, id));
  if (userId === null) return;
  const data = { schedule_id: id, name, tick_at: tick.tickAt.toISOString(), reason: tick.reason ?? "" };
  const sequence = tick.tickAt.getTime();
  await announce(tx, { kind: "schedule.failed", userId, subjectId: id, sequence, data });
}

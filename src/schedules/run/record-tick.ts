import { eq, sql } from "drizzle-orm";
import { announce } from "../../announcements/announce.ts";
import type { Tx } from "../../context.ts";
import { schedules, scheduleTicks } from "../../schema/schedules.ts";
import type { Schedule, Tick } from "../queries.ts";

/** The ticks that stay in the history of a schedule. Each is about 200 bytes. */
export const KEPT_TICKS = 500;

export type NewTick = Pick<Tick, "tickAt" | "state"> & Partial<Omit<Tick, "scheduleId">>;

/** Adds a tick to the history of a locked schedule, and announces a failure. */
export async function recordTick(tx: Tx, schedule: Schedule, tick: NewTick): Promise<Tick> {
  const [recorded] = await recordTicks(tx, [{ ...tick, scheduleId: schedule.id }]);
  if (!recorded) throw new Error("The tick was not recorded.");
  await followOutcome(tx, schedule, recorded);
  return recorded;
}

/** Adds one tick each to the history of locked schedules, and removes the oldest ones if there are KEPT_TICKS. */
export async function recordTicks(
  tx: Tx,
  ticks: readonly (NewTick & Pick<Tick, "scheduleId">)[],
): Promise<Tick[]> {
  const recorded = await tx.db
    .insert(scheduleTicks)
    .values(ticks.map((tick) => ({ ...tick, createdAt: tx.now() })))
    .returning();
  const ids = sql.param(ticks.map(({ scheduleId }) => scheduleId));
  // By their place: a join could read the history of all schedules.
  await tx.db.execute(sql`
    DELETE FROM rowmill.schedule_ticks WHERE ctid = ANY(ARRAY(
      SELECT place FROM unnest(${ids}::uuid[]) AS recorded (id) CROSS JOIN LATERAL (
        SELECT ctid AS place, state FROM rowmill.schedule_ticks WHERE schedule_id = recorded.id
        ORDER BY tick_at DESC OFFSET ${KEPT_TICKS}
      ) AS oldest
      WHERE state <> 'waiting'))`);
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

/** Reads of schedules. `ownerId` null: those of all users and the built-in ones, for operators. */
import { and, asc, desc, eq, getTableColumns, gt, lt, type SQL, sql } from "drizzle-orm";
import type { Context, Tx } from "../context.ts";
import { notFound } from "../errors.ts";
import { type Found, readPage } from "../platform/postgres/read-page.ts";
import { schedules, scheduleTicks } from "../schema/schedules.ts";
import type { Owner } from "../tasks/transitions.ts";

export type Schedule = typeof schedules.$inferSelect;
export type Tick = typeof scheduleTicks.$inferSelect;

function isOwnedBy(ownerId: Owner): SQL | undefined {
  return ownerId === null ? undefined : eq(schedules.userId, ownerId);
}

/** @throws DomainError `not_found` */
export async function getSchedule(ctx: Context, ownerId: Owner, id: string): Promise<Schedule> {
  const [schedule] = await ctx.db
    .select()
    .from(schedules)
    .where(and(eq(schedules.id, id), isOwnedBy(ownerId)));
  if (!schedule) throw notFound("schedule");
  return schedule;
}

/** Locks a schedule until the commit: its ticks happen one after the other. @throws DomainError `not_found` */
export async function lockSchedule(tx: Tx, ownerId: Owner, id: string): Promise<Schedule> {
  const [schedule] = await tx.db
    .select()
    .from(schedules)
    .where(and(eq(schedules.id, id), isOwnedBy(ownerId)))
    .for("update");
  if (!schedule) throw notFound("schedule");
  return schedule;
}

interface Page {
  /** The number of the last schedule of the previous page; 0: from the first. */
  readonly after: number;
  readonly limit: number;
}

/** In the order of their creation. */
export function listSchedules(
  ctx: Context,
  ownerId: Owner,
  { after, limit }: Page,
): Promise<Found<Schedule>> {
  const where = and(isOwnedBy(ownerId), gt(schedules.number, after)) ?? sql`true`;
  return readPage(ctx, {
    fields: getTableColumns(schedules),
    from: sql`${schedules} WHERE ${where} ORDER BY ${asc(schedules.number)}`,
    order: sql`number`,
    limit,
  });
}

/** The last tick of each schedule, by the id of the schedule. */
export async function lastTicks(ctx: Context, ids: readonly string[]): Promise<ReadonlyMap<string, Tick>> {
  if (ids.length === 0) return new Map();
  const latest = ctx.db
    .select()
    .from(scheduleTicks)
    .where(eq(scheduleTicks.scheduleId, sql`wanted.id`))
    .orderBy(desc(scheduleTicks.tickAt))
    .limit(1)
    .as("latest");
  const found = await ctx.db
    .select(latest._.selectedFields)
    .from(sql`unnest(${sql.param([...ids])}::uuid[]) AS wanted (id)`)
    .innerJoinLateral(latest, sql`true`);
  return new Map(found.map((tick) => [tick.scheduleId, tick]));
}

/** Newest first. @param before the time of the last tick of the previous page; null: from the newest */
export function listTicks(
  ctx: Context,
  scheduleId: string,
  before: Date | null,
  limit: number,
): Promise<Found<Tick>> {
  const older = before === null ? undefined : lt(scheduleTicks.tickAt, before);
  const where = and(eq(scheduleTicks.scheduleId, scheduleId), older) ?? sql`true`;
  return readPage(ctx, {
    fields: getTableColumns(scheduleTicks),
    from: sql`${scheduleTicks} WHERE ${where} ORDER BY ${desc(scheduleTicks.tickAt)}`,
    order: sql`"tickAt" DESC`,
    limit,
  });
}

/** The answers of both lists of schedules: that of a user, and that of operators. */
import type { Static } from "typebox";
import type { Context } from "../context.ts";
import { decodeNumberCursor, pageOf } from "../platform/http/paging.ts";
import type { Owner } from "../tasks/transitions.ts";
import { getSchedule, lastTicks, listSchedules, listTicks, type Schedule } from "./queries.ts";
import { type ScheduleView, viewListed, viewSchedule, viewTick } from "./views.ts";

interface Query {
  readonly cursor?: string;
  readonly limit: number;
}

export async function pageOfSchedules(ctx: Context, ownerId: Owner, { cursor, limit }: Query) {
  const found = await listSchedules(ctx, ownerId, { after: decodeNumberCursor(cursor), limit });
  const ids = found.items.map(({ id }) => id);
  const ticks = await lastTicks(ctx, ids);
  return pageOf(
    found,
    ({ number }) => number,
    (schedule) => viewListed(schedule, ticks.get(schedule.id)),
  );
}

export async function showSchedule(ctx: Context, schedule: Schedule): Promise<Static<typeof ScheduleView>> {
  const ticks = await lastTicks(ctx, [schedule.id]);
  return viewSchedule(schedule, ticks.get(schedule.id));
}

/** The latest time that JavaScript knows. */
const LATEST_MS = 8.64e15;

export async function pageOfTicks(
  ctx: Context,
  ownerId: Owner,
  scheduleId: string,
  { cursor, limit }: Query,
) {
  const before = cursor === undefined ? null : new Date(decodeNumberCursor(cursor, LATEST_MS));
  const { id } = await getSchedule(ctx, ownerId, scheduleId);
  const found = await listTicks(ctx, id, before, limit);
  return pageOf(found, ({ tickAt }) => tickAt.getTime(), viewTick);
}

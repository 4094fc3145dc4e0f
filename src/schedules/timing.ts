/** When the ticks of a schedule are due. */
import { createHash } from "node:crypto";
import { invalidField } from "../errors.ts";
import { CronError } from "../platform/cron/expression.ts";
import { latestTick, nextTick, type Timetable, ticksAfter } from "../platform/cron/ticks.ts";
import { isTimeZone } from "../platform/cron/zone.ts";
import { DAY_MS } from "../platform/durations.ts";
import type { Schedule } from "./queries.ts";

export type Timing = Timetable &
  Pick<Schedule, "id" | "isEnabled" | "startsAt" | "endsAt" | "jitterSeconds" | "nextTickAt">;

/** A tick is missed if it is later than this when a worker comes to it. */
export const LATE_MS = 600_000;
/** Missed ticks are counted up to here. */
export const MAX_COUNTED = 1000;

const YEAR_MS = 366 * DAY_MS;
const FAR_MS = 5 * YEAR_MS;

/** @throws DomainError `invalid_input` that names the field */
export function checkTimetable({ cron, timezone }: Timetable, now: Date): void {
  if (!isTimeZone(timezone)) {
    const allowed = "Send a name of the IANA time zone database, such as `Europe/Berlin`, or `UTC`.";
    throw invalidField("timezone", `names no known time zone. ${allowed}`);
  }
  try {
    const next = nextTick({ cron, timezone }, now);
    if (next && next.getTime() - now.getTime() <= FAR_MS) return;
  } catch (error) {
    if (error instanceof CronError) throw invalidField("cron", error.message, error);
    throw error;
  }
  throw invalidField("cron", "has no tick within the next 5 years.");
}

/** @throws DomainError `invalid_input` that names the field */
export function checkTiming(timing: Timing, now: Date): void {
  checkTimetable(timing, now);
  const { startsAt, endsAt, jitterSeconds } = timing;
  if (startsAt && endsAt && endsAt <= startsAt) throw invalidField("ends_at", "must be after `starts_at`.");
  if (jitterSeconds === 0) return;
  const ticks = firstTicks(timing, now);
  const gaps = ticks.slice(1).map((tick, at) => (tick.getTime() - (ticks[at]?.getTime() ?? 0)) / 1000);
  const shortest = Math.min(...gaps);
  if (jitterSeconds < shortest) return;
  throw invalidField("jitter_seconds", `must be less than the ${shortest} s between two ticks of \`cron\`.`);
}

/** Enough for each gap between two minutes of an hour. Rare ticks take long to find, and are far apart. */
function firstTicks(timetable: Timetable, now: Date): Date[] {
  const ticks: Date[] = [];
  for (const tick of ticksAfter(timetable, now)) {
    ticks.push(tick);
    const isFar = tick.getTime() - now.getTime() > YEAR_MS;
    if (ticks.length > 60 || (isFar && ticks.length >= 5)) break;
  }
  return ticks;
}

interface Next {
  /** null: the schedule has no next tick. */
  readonly nextTickAt: Date | null;
  readonly nextRunAt: Date | null;
}

/** Returns the first tick after `after`, and when it runs. */
export function nextOf(timing: Timing, after: Date): Next {
  const { isEnabled, startsAt, endsAt } = timing;
  const from = startsAt && startsAt > after ? new Date(startsAt.getTime() - 1) : after;
  const tick = isEnabled ? nextTick(timing, from) : null;
  if (!tick || (endsAt && tick > endsAt)) return { nextTickAt: null, nextRunAt: null };
  return { nextTickAt: tick, nextRunAt: runAtOf(timing, tick) };
}

/** Returns up to `count` next ticks. */
export function nextTicks({ nextTickAt, endsAt, ...timing }: Timing, count: number): Date[] {
  if (!nextTickAt) return [];
  const ticks = [nextTickAt, ...ticksAfter(timing, nextTickAt).take(count - 1)];
  return ticks.filter((tick) => !endsAt || tick <= endsAt);
}

/** The same tick always has the same jitter, which is less than the time between two ticks. */
function runAtOf({ id, jitterSeconds }: Pick<Timing, "id" | "jitterSeconds">, tick: Date): Date {
  const hash = createHash("sha256").update(`${id}/${tick.toISOString()}`).digest().readUInt32BE();
  return new Date(tick.getTime() + (hash % (jitterSeconds + 1)) * 1000);
}

export interface DueTicks {
  /** The tick that can run now. All earlier ones are missed. */
  readonly latest: Date;
  readonly isLate: boolean;
  /** The first missed tick, and their number, up to MAX_COUNTED; null: no tick was missed. */
  readonly missed: { readonly first: Date; readonly count: number } | null;
}

/** Returns the ticks from `first`, the next tick of the schedule, to now. */
export function dueTicks(timing: Timing, first: Date, now: Date): DueTicks {
  const latest = latestDue(timing, first, now);
  const isLate = now.getTime() - runAtOf(timing, latest).getTime() > LATE_MS;
  if (latest <= first) return { latest, isLate, missed: null };
  let count = 1;
  for (const tick of ticksAfter(timing, first)) {
    if (tick >= latest || count === MAX_COUNTED) break;
    count++;
  }
  return { latest, isLate, missed: { first, count } };
}

function latestDue(timing: Timing, first: Date, now: Date): Date {
  const { endsAt } = timing;
  const until = endsAt && endsAt < now ? endsAt : now;
  const latest = latestTick(timing, first, until);
  if (!latest || runAtOf(timing, latest) <= now) return latest ?? first;
  return latestTick(timing, first, new Date(latest.getTime() - 1)) ?? first;
}

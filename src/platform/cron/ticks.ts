/**
 * The instants at which a cron expression is due in a time zone. croner evaluates the expression on the clock on the
 * wall. The changes of the clock are handled here, because croner and cron-parser lose ticks at some of them
 * (docs/decisions/0054-ticks-are-rows.md):
 * - A time that the clock skips is due as much later as the clock skips, like times of RFC 5545.
 * - A time that the clock repeats is due the first time. An expression that is due in every hour is due both times.
 */
import { DAY_MS } from "../durations.ts";
import { type CronExpression, parseCron } from "./expression.ts";
import { offsetAt } from "./zone.ts";

export interface Timetable {
  readonly cron: string;
  /** The name of a time zone, such as `Europe/Berlin`. */
  readonly timezone: string;
}

/** Returns the first instant after `after`; null: never. @throws CronError */
export function nextTick({ cron, timezone }: Timetable, after: Date): Date | null {
  const expression = parseCron(cron);
  const now = after.getTime();
  const offset = offsetAt(timezone, now);
  const nearby = [offset, offsetAt(timezone, now - DAY_MS), offsetAt(timezone, now + DAY_MS)];
  // Near a change, times on the wall are not in the order of their instants.
  const spread = Math.max(...nearby) - Math.min(...nearby);
  let best: number | null = null;
  let lastWall = Number.POSITIVE_INFINITY;
  for (const time of expression.after(new Date(now + offset - spread))) {
    const wall = time.getTime();
    if (wall > lastWall) break;
    const { instants, change } = instantsOf(expression, timezone, wall);
    const instant = instants.find((one) => one > now && one < (best ?? Number.POSITIVE_INFINITY));
    if (instant === undefined) continue;
    best = instant;
    lastWall = Math.min(lastWall, wall + change);
  }
  return best === null ? null : new Date(best);
}

/** Yields all instants after `after`. @throws CronError */
export function* ticksAfter(timetable: Timetable, after: Date): Generator<Date> {
  for (let tick = nextTick(timetable, after); tick; tick = nextTick(timetable, tick)) yield tick;
}

/** Windows before a time that are searched for its latest tick. The first that has one ends the search. */
const WINDOWS_MS = [3_600_000, DAY_MS, 32 * DAY_MS, 367 * DAY_MS, 9 * 366 * DAY_MS];

/**
 * Returns the last instant that is not after `until`, or null if it is not after `after`. It only looks forward: going back
 * over a change of the clock is where libraries skip ticks.
 */
export function latestTick(timetable: Timetable, after: Date, until: Date): Date | null {
  for (const window of WINDOWS_MS) {
    const from = new Date(Math.max(after.getTime(), until.getTime() - window));
    let latest: Date | null = null;
    for (const tick of ticksAfter(timetable, from)) {
      if (tick > until) break;
      latest = tick;
    }
    if (latest || from <= after) return latest;
  }
  return null;
}

/** @returns the instants of a time on the wall, and by how much the clock changes near it */
function instantsOf(
  { isHourly }: CronExpression,
  zone: string,
  wall: number,
): { instants: number[]; change: number } {
  const before = offsetAt(zone, wall - DAY_MS);
  const behind = offsetAt(zone, wall + DAY_MS);
  if (before === behind) return { instants: [wall - before], change: 0 };
  const change = Math.abs(before - behind);
  const real = [wall - before, wall - behind].filter((instant) => offsetAt(zone, instant) === wall - instant);
  const [first = wall - before, second] = real;
  return { instants: second !== undefined && isHourly ? [first, second] : [first], change };
}

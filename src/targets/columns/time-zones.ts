/** The offset of a time zone at a time on its clocks. `Intl` is asked once per eight days of a zone, not per cell. */
import { dayNumber } from "./calendar.ts";
import type { Moment } from "./moments.ts";

const DAY_SECONDS = 86_400;
/** No zone changes its offset and takes it back within eight days; Morocco does for the month of Ramadan. */
const BLOCK_DAYS = 8;
/** 220 years of blocks. */
const CACHED_OFFSETS = 10_000;
const CACHED_ZONES = 20;

/** Whether `Intl` knows the zone. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

export interface TimeZone {
  /**
   * Seconds east of UTC. Of the two times that clocks show when they are set back, the first one counts.
   * Returns null if clocks never show this time, because they are set forward.
   */
  offsetOf(moment: Moment): number | null;
  /** The day on the clocks, as `yyyy-mm-dd`. */
  dayAt(epochSeconds: number): string;
}

const zones = new Map<string, TimeZone>();

/** @throws RangeError if `Intl` does not know the zone */
export function timeZone(name: string): TimeZone {
  const known = zones.get(name);
  if (known) return known;
  const zone = createTimeZone(name);
  // Definitions and uploads choose zones. A name can be written in several cases.
  if (zones.size >= CACHED_ZONES) zones.clear();
  zones.set(name, zone);
  return zone;
}

function createTimeZone(name: string): TimeZone {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: name,
    calendar: "gregory",
    numberingSystem: "latn",
    hourCycle: "h23",
    era: "short",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  /** Reads the clocks of the zone. */
  const clocksAt = (epochSeconds: number) => {
    const parts = new Map(format.formatToParts(epochSeconds * 1000).map(({ type, value }) => [type, value]));
    const number = (type: Intl.DateTimeFormatPartTypes) => Number(parts.get(type));
    const year = parts.get("era") === "BC" ? 1 - number("year") : number("year");
    return {
      year,
      month: number("month"),
      day: number("day"),
      seconds: number("hour") * 3600 + number("minute") * 60 + number("second"),
    };
  };
  const offsetAt = (epochSeconds: number): number => {
    const { year, month, day, seconds } = clocksAt(epochSeconds);
    return dayNumber(year, month, day) * DAY_SECONDS + seconds - epochSeconds;
  };
  /** The offset of these days, if it is the same from the day before to the day after. */
  const steadyOffset = (firstDay: number, days: number): number | null => {
    const before = offsetAt((firstDay - 1) * DAY_SECONDS);
    return before === offsetAt((firstDay + days + 1) * DAY_SECONDS) ? before : null;
  };
  const byBlock = cached((block) => steadyOffset(block * BLOCK_DAYS, BLOCK_DAYS));
  const byDay = cached((day) => steadyOffset(day, 1));
  const offsetOfDay = (day: number) => byBlock(Math.floor(day / BLOCK_DAYS)) ?? byDay(day);
  return {
    offsetOf({ year, month, day, hour, minute, second }) {
      const number = dayNumber(year, month, day);
      const wholeDay = offsetOfDay(number);
      if (wholeDay !== null) return wholeDay;
      const local = number * DAY_SECONDS + hour * 3600 + minute * 60 + second;
      const earlier = offsetAt(local - DAY_SECONDS);
      const later = offsetAt(local + DAY_SECONDS);
      const fits = (offset: number) => offsetAt(local - offset) === offset;
      if (fits(earlier)) return earlier;
      return fits(later) ? later : null;
    },
    dayAt(epochSeconds) {
      const { year, month, day } = clocksAt(Math.floor(epochSeconds));
      return [
        String(year).padStart(4, "0"),
        String(month).padStart(2, "0"),
        String(day).padStart(2, "0"),
      ].join("-");
    },
  };
}

/** Remembers the results for a limited number of keys. */
function cached(compute: (key: number) => number | null): (key: number) => number | null {
  const results = new Map<number, number | null>();
  return (key) => {
    const known = results.get(key);
    if (known !== undefined) return known;
    const result = compute(key);
    if (results.size >= CACHED_OFFSETS) results.clear();
    results.set(key, result);
    return result;
  };
}

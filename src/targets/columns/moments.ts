/** A date and a time as they are scanned, field by field. One scanner reuses one object. */
import { dayProblem } from "./calendar.ts";

export interface Moment {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  /** Digits after the second, at most six. */
  fraction: string;
  /** Seconds east of UTC; null: the time zone of the locale. */
  offset: number | null;
  hasTime: boolean;
}

export function newMoment(): Moment {
  return {
    year: 0,
    month: 0,
    day: 0,
    hour: 0,
    minute: 0,
    second: 0,
    fraction: "",
    offset: null,
    hasTime: false,
  };
}

export function resetMoment(moment: Moment): void {
  moment.hour = moment.minute = moment.second = 0;
  moment.fraction = "";
  moment.offset = null;
  moment.hasTime = false;
}

/** @returns why there is no such moment; null: there is */
export function momentProblem({ year, month, day, hour, minute, second }: Moment): string | null {
  const wrongDay = dayProblem(year, month, day);
  if (wrongDay) return wrongDay;
  if (hour > 23) return "hours go from 00 to 23";
  if (minute > 59) return "minutes go from 00 to 59";
  if (second > 59) return "seconds go from 00 to 59";
  return null;
}

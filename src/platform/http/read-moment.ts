/** Dates and times in filters. */
import Type from "typebox";
import { invalidField } from "../../errors.ts";
import { DAY_MS } from "../durations.ts";

/** PostgreSQL cannot parse years with five digits as JavaScript writes them. */
const LAST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i;
const DATE = /^\d{4}-\d\d-\d\d$/;

/** Parameters that choose things by a time, for `readMoments`. @param things such as "tasks created" */
export function momentFields<F extends string, T extends string>(from: F, to: T, things: string) {
  const field = (description: string, ...examples: string[]) =>
    Type.Optional(Type.String({ maxLength: 40, description, examples }));
  const fields = {
    [from]: field(
      `Only ${things} then or later: a date (UTC), or a date and time as in RFC 3339.`,
      "2026-11-01",
      "2026-11-01T08:00:00Z",
    ),
    [to]: field(`Only ${things} then or earlier. A date includes the whole day.`, "2026-11-30"),
  };
  return fields as Record<F | T, ReturnType<typeof field>>;
}

/**
 * @returns the first moment of a date or time, and the first moment after it; a time lasts a millisecond
 * @throws DomainError `invalid_input`
 */
export function readMoment(field: string, text: string): { start: Date; end: Date } {
  const isDate = DATE.test(text);
  const start = Date.parse(text);
  // PostgreSQL has no year 0, and JavaScript parses February 30 as March 1 or 2.
  if (!(isDate || MOMENT.test(text)) || Number.isNaN(start) || /^0000/.test(text) || !isDay(text)) {
    const message =
      'must be a date, such as "2026-11-30", or a date and time, such as "2026-11-30T08:00:00Z" ' +
      "(in a URL, write the plus of an offset as %2B).";
    throw invalidField(field, message);
  }
  const end = Math.min(start + (isDate ? DAY_MS : 1), LAST_MS);
  return { start: new Date(start), end: new Date(end) };
}

function isDay(text: string): boolean {
  const day = text.slice(0, 10);
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day);
}

/** Reads dates and times, and writes them as ISO 8601. */
import type { ColumnDefinition } from "../definition/column.ts";
import { dayNumber, isoDate, twoDigits } from "./calendar.ts";
import { exampleOf } from "./date-patterns.ts";
import type { ResolvedLocale } from "./locales.ts";
import { type Moment, momentProblem, newMoment } from "./moments.ts";
import { Problem, type Reader, spreadsheetHint } from "./problem.ts";
import { type MomentScanner, scannerOfOrder, scannerOfPattern } from "./scan-dates.ts";
import { timeZone } from "./time-zones.ts";

type DateColumn = Pick<ColumnDefinition, "formats" | "two_digit_year_pivot" | "minimum" | "maximum">;

/** The first year that two digits stand for. */
export const DEFAULT_PIVOT = 1970;
const MAX_CHARACTERS = 100;

/** Fills the moment, or returns the reason why it cannot. */
type MomentReader = (text: string) => Problem | null;

export function dateReader(column: DateColumn, locale: ResolvedLocale): Reader {
  const moment = newMoment();
  const read = momentReader(column, locale, moment, "date");
  const limits = [dateLimit(column.minimum, locale), dateLimit(column.maximum, locale)];
  const [least = null, greatest = null] = limits;
  return (text) => {
    const problem = read(text);
    if (problem) return problem;
    // Spreadsheets write dates with a time of 00:00.
    if (moment.hasTime && (moment.hour + moment.minute + moment.second > 0 || Number(moment.fraction) > 0))
      return new Problem("invalid_date", "is not a date: it has a time of day");
    const date = isoDate(moment.year, moment.month, moment.day);
    if (least !== null && date < least) return tooEarly(column.minimum, least);
    if (greatest !== null && date > greatest) return tooLate(column.maximum, greatest);
    return date;
  };
}

export function timestampReader(column: DateColumn, locale: ResolvedLocale): Reader {
  const moment = newMoment();
  const read = momentReader(column, locale, moment, "timestamp");
  const zone = timeZone(locale.timezone);
  const least = instantLimit(column.minimum, locale, "minimum");
  const greatest = instantLimit(column.maximum, locale, "maximum");
  const hasLimits = least !== null || greatest !== null;
  return (text) => {
    const problem = read(text);
    if (problem) return problem;
    const offset = moment.offset ?? zone.offsetOf(moment);
    if (offset === null)
      return new Problem(
        "invalid_date",
        `is not a time in ${locale.timezone}: its clocks skip this time because they are set forward`,
      );
    const timestamp = writeTimestamp(moment, offset);
    if (hasLimits) {
      const instant = instantOf(timestamp);
      if (least !== null && instant < least) return tooEarly(column.minimum, String(column.minimum));
      if (greatest !== null && instant > greatest) return tooLate(column.maximum, String(column.maximum));
    }
    return timestamp;
  };
}

const tooEarly = (limit: unknown, shown: string) =>
  new Problem("out_of_range", limit === "today" ? "is before today" : `is before ${shown}, the minimum`);
const tooLate = (limit: unknown, shown: string) =>
  new Problem("out_of_range", limit === "today" ? "is after today" : `is after ${shown}, the maximum`);

function momentReader(
  column: DateColumn,
  locale: ResolvedLocale,
  moment: Moment,
  type: "date" | "timestamp",
): MomentReader {
  const code = "invalid_date";
  const noun = type === "date" ? "a date" : "a date and time";
  const scanners = momentScanners(column, locale);
  const howTo = column.formats
    ? `write it as ${column.formats.map((pattern) => `${pattern}, such as ${exampleOf(pattern)}`).join(", or as ")}`
    : `write it as ${exampleOf(`${ORDER_PATTERNS[locale.dateOrder]}${type === "date" ? "" : " HH:mm"}`)}`;
  return (text) => {
    let reason: string | null = null;
    if (text.length <= MAX_CHARACTERS) {
      for (const scan of scanners) {
        if (!scan(text, moment)) continue;
        const problem = momentProblem(moment);
        if (problem === null) return null;
        reason ??= problem;
      }
    }
    return new Problem(code, `is not ${noun}: ${reason ?? spreadsheetHint(text) ?? howTo}`);
  };
}

const ORDER_PATTERNS = { ymd: "yyyy-MM-dd", dmy: "dd.MM.yyyy", mdy: "MM/dd/yyyy" } as const;

function momentScanners(column: DateColumn, locale: ResolvedLocale): MomentScanner[] {
  const pivot = column.two_digit_year_pivot;
  return (
    column.formats?.map((pattern) => scannerOfPattern(pattern, pivot ?? DEFAULT_PIVOT)) ?? [
      scannerOfOrder(locale.dateOrder, pivot ?? null),
    ]
  );
}

function writeTimestamp(
  { year, month, day, hour, minute, second, fraction }: Moment,
  offset: number,
): string {
  const time = `${twoDigits(hour)}:${twoDigits(minute)}:${twoDigits(second)}`;
  const date = isoDate(year, month, day);
  return `${date}T${time}${fraction === "" ? "" : `.${fraction}`}${writeOffset(offset)}`;
}

const offsets = new Map<number, string>();

/** Zones of the 19th century have offsets with seconds. */
function writeOffset(offset: number): string {
  const known = offsets.get(offset);
  if (known !== undefined) return known;
  const size = Math.abs(offset);
  const seconds = size % 60;
  const minutes = twoDigits(Math.floor(size / 60) % 60);
  const text = `${offset < 0 ? "-" : "+"}${twoDigits(Math.floor(size / 3600))}:${minutes}${seconds ? `:${twoDigits(seconds)}` : ""}`;
  offsets.set(offset, text);
  return text;
}

/** Microseconds since 1970 of a timestamp as `timestampReader` writes it. */
export function instantOf(timestamp: string): bigint {
  const number = (from: number, to?: number) => Number(timestamp.slice(from, to));
  const rest = timestamp.slice(19);
  const sign = Math.max(rest.indexOf("+"), rest.indexOf("-"));
  const [hours = 0, minutes = 0, seconds = 0] = rest
    .slice(sign + 1)
    .split(":")
    .map(Number);
  const offset = (hours * 3600 + minutes * 60 + seconds) * (rest[sign] === "-" ? -1 : 1);
  const days = dayNumber(number(0, 4), number(5, 7), number(8, 10));
  const local = days * 86_400 + number(11, 13) * 3600 + number(14, 16) * 60 + number(17, 19);
  const fraction = rest.slice(1, sign).padEnd(6, "0");
  return BigInt(local - offset) * 1_000_000n + BigInt(sign > 0 ? fraction : 0);
}

/** @returns the limit as a date; null: none, or it is not a date */
export function dateLimit(limit: DateColumn["minimum"], locale: ResolvedLocale): string | null {
  if (limit === undefined) return null;
  if (limit === "today") return timeZone(locale.timezone).dayAt(Date.now() / 1000);
  const read = dateReader({ formats: ["yyyy-MM-dd"] }, locale)(String(limit));
  return read instanceof Problem ? null : read;
}

/** @returns the limit in microseconds; null: none, or it is not a time. A day as the maximum includes its last moment. */
export function instantLimit(
  limit: DateColumn["minimum"],
  locale: ResolvedLocale,
  side: "minimum" | "maximum",
): bigint | null {
  if (limit === undefined) return null;
  const day = dateLimit(limit, locale);
  const lastMoment = side === "maximum" ? "T23:59:59.999999" : "";
  const read = timestampReader(
    {},
    { ...locale, dateOrder: "ymd" },
  )(day ? `${day}${lastMoment}` : String(limit));
  return read instanceof Problem ? null : instantOf(read);
}

/** Scans dates and times: by the patterns of a column, or as ISO 8601 and in the order of the locale. */
import { MONTHS } from "./calendar.ts";
import { type Field, fullYear, parsePattern, type Token } from "./date-patterns.ts";
import { type Moment, resetMoment } from "./moments.ts";
import { TextScanner } from "./text-scanner.ts";

/** Returns whether the text has the form, and fills `moment`, which may be a day that does not exist. */
export type MomentScanner = (text: string, moment: Moment) => boolean;

const scanner = new TextScanner();
const LONG_MONTHS = MONTHS.map((name) => name.toLowerCase());
const SHORT_MONTHS = LONG_MONTHS.map((name) => name.slice(0, 3));
const HALVES = ["am", "pm", "a.m.", "p.m."];

const [DASH, DOT, SLASH, COLON, COMMA, BLANK, NARROW_BLANK] = [0x2d, 0x2e, 0x2f, 0x3a, 0x2c, 0x20, 0x202f];
const [LETTER_T, SMALL_T] = [0x54, 0x74];

/** @param pivot the first year that two digits can stand for */
export function scannerOfPattern(pattern: string, pivot: number): MomentScanner {
  const tokens = parsePattern(pattern);
  return (text, moment) => {
    resetMoment(moment);
    scanner.start(text);
    const half = { hours: -1 };
    for (const token of tokens) {
      if (!takeToken(token, moment, pivot, half)) return false;
    }
    if (half.hours !== -1) {
      if (moment.hour < 1 || moment.hour > 12) return false;
      moment.hour = (moment.hour % 12) + half.hours;
    }
    return scanner.isAtEnd;
  };
}

function takeToken(token: Token, moment: Moment, pivot: number, half: { hours: number }): boolean {
  if (!("field" in token)) return scanner.takeText(token.text);
  return takeField(token.field, moment, pivot, half);
}

function takeField(field: Field, moment: Moment, pivot: number, half: { hours: number }): boolean {
  switch (field) {
    case "yyyy":
      moment.year = scanner.takeNumber(4, 4);
      return moment.year !== -1;
    case "yy": {
      const year = scanner.takeNumber(2, 2);
      moment.year = fullYear(year, pivot);
      return year !== -1;
    }
    case "MMMM":
      moment.month = scanner.takeWord(LONG_MONTHS) + 1;
      return moment.month !== 0;
    case "MMM":
      moment.month = scanner.takeWord(SHORT_MONTHS) + 1;
      return moment.month !== 0;
    case "MM":
    case "M":
      moment.month = scanner.takeNumber(field.length, 2);
      return moment.month !== -1;
    case "dd":
    case "d":
      moment.day = scanner.takeNumber(field.length, 2);
      return moment.day !== -1;
    case "HH":
    case "H":
    case "hh":
    case "h":
      moment.hour = scanner.takeNumber(field.length, 2);
      return moment.hour !== -1;
    case "mm":
      moment.minute = scanner.takeNumber(2, 2);
      return moment.minute !== -1;
    case "ss":
      moment.second = scanner.takeNumber(2, 2);
      return moment.second !== -1;
    case "SSS":
      return takeFraction(moment);
    case "a": {
      const word = scanner.takeWord(HALVES);
      half.hours = word % 2 === 0 ? 0 : 12;
      return word !== -1;
    }
    case "XXX":
      moment.offset = scanner.takeOffset();
      return moment.offset !== null;
  }
}

/** PostgreSQL stores microseconds. Further digits, which some programs write, are dropped. */
function takeFraction(moment: Moment): boolean {
  const digits = scanner.takeDigits();
  moment.fraction = digits.slice(0, 6);
  return digits.length >= 1 && digits.length <= 9;
}

/** @param pivot for years of two digits; null: they are refused */
export function scannerOfOrder(order: "ymd" | "dmy" | "mdy", pivot: number | null): MomentScanner {
  return (text, moment) => {
    resetMoment(moment);
    scanner.start(text);
    if (!takeDay(moment, order, pivot)) return false;
    return scanner.isAtEnd || takeTime(moment);
  };
}

function takeDay(moment: Moment, order: "ymd" | "dmy" | "mdy", pivot: number | null): boolean {
  const year = scanner.takeNumber(4, 4);
  const first = year === -1 ? scanner.takeNumber(1, 2) : year;
  const separator = scanner.text.charCodeAt(scanner.at);
  if (first === -1 || (separator !== DASH && separator !== DOT && separator !== SLASH)) return false;
  scanner.at++;
  const second = scanner.takeNumber(1, 2);
  if (second === -1 || !scanner.takeCode(separator)) return false;
  if (year !== -1) {
    moment.year = year;
    moment.month = second;
    moment.day = scanner.takeNumber(1, 2);
    return moment.day !== -1;
  }
  if (order === "ymd") return takeShortYear(moment, first, second, pivot);
  moment.day = order === "dmy" ? first : second;
  moment.month = order === "dmy" ? second : first;
  moment.year = scanner.takeNumber(4, 4);
  if (moment.year !== -1) return true;
  if (pivot === null) return false;
  moment.year = fullYear(scanner.takeNumber(2, 2), pivot);
  return moment.year >= pivot;
}

function takeShortYear(moment: Moment, first: number, second: number, pivot: number | null): boolean {
  if (pivot === null) return false;
  moment.year = fullYear(first, pivot);
  moment.month = second;
  moment.day = scanner.takeNumber(1, 2);
  return moment.day !== -1;
}

function takeTime(moment: Moment): boolean {
  scanner.takeCode(COMMA);
  const hasT = scanner.takeCode(LETTER_T) || scanner.takeCode(SMALL_T);
  if (!hasT && !scanner.takeCode(BLANK)) return false;
  moment.hasTime = true;
  moment.hour = scanner.takeNumber(1, 2);
  if (moment.hour === -1 || !scanner.takeCode(COLON)) return false;
  moment.minute = scanner.takeNumber(2, 2);
  if (moment.minute === -1) return false;
  if (scanner.takeCode(COLON)) {
    moment.second = scanner.takeNumber(2, 2);
    if (moment.second === -1) return false;
    if ((scanner.takeCode(DOT) || scanner.takeCode(COMMA)) && !takeFraction(moment)) return false;
  }
  if (scanner.isAtEnd) return true;
  const hasBlank = scanner.takeCode(BLANK) || scanner.takeCode(NARROW_BLANK);
  const half = hasT ? -1 : scanner.takeWord(HALVES);
  if (half !== -1) {
    if (moment.hour < 1 || moment.hour > 12) return false;
    moment.hour = (moment.hour % 12) + (half % 2) * 12;
    if (scanner.isAtEnd) return true;
    if (!scanner.takeCode(BLANK)) return false;
  } else if (hasBlank && hasT) return false;
  moment.offset = scanner.takeOffset();
  return moment.offset !== null && scanner.isAtEnd;
}

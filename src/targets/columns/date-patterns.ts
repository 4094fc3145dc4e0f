/** Patterns of dates and times, such as `dd.MM.yyyy`: what they mean, and what is wrong with them. */
import { isoDate, MONTHS, twoDigits } from "./calendar.ts";
import type { Moment } from "./moments.ts";

const FIELDS = [
  "yyyy",
  "yy",
  "MMMM",
  "MMM",
  "MM",
  "M",
  "dd",
  "d",
  "HH",
  "H",
  "hh",
  "h",
  "mm",
  "ss",
  "SSS",
  "a",
  "XXX",
] as const;
export type Field = (typeof FIELDS)[number];
export type Token = { readonly field: Field } | { readonly text: string };

const MEANINGS: Readonly<Record<Field, string>> = {
  yyyy: "year",
  yy: "year",
  MMMM: "month",
  MMM: "month",
  MM: "month",
  M: "month",
  dd: "day",
  d: "day",
  HH: "hour",
  H: "hour",
  hh: "hour",
  h: "hour",
  mm: "minute",
  ss: "second",
  SSS: "fraction",
  a: "half",
  XXX: "offset",
};
const TIME = new Set(["hour", "minute", "second", "fraction", "half", "offset"]);
/** Fields of one or two digits, or of any number. */
const VARIABLE = new Set<Field>(["M", "d", "H", "h", "SSS"]);
const NAMES = new Set<Field>(["MMMM", "MMM", "a"]);

/** Splits a pattern into fields and texts. Quoted text stands for itself, and so does `T`. */
export function parsePattern(pattern: string): Token[] {
  const tokens: Token[] = [];
  let text = "";
  const endText = () => {
    if (text !== "") tokens.push({ text });
    text = "";
  };
  for (let at = 0; at < pattern.length; ) {
    const quoted = pattern[at] === "'" ? pattern.indexOf("'", at + 1) : -1;
    const field = FIELDS.find((candidate) => pattern.startsWith(candidate, at));
    if (quoted !== -1) {
      text += quoted === at + 1 ? "'" : pattern.slice(at + 1, quoted);
      at = quoted + 1;
    } else if (field !== undefined) {
      endText();
      tokens.push({ field });
      at += field.length;
    } else {
      text += pattern[at];
      at++;
    }
  }
  endText();
  return tokens;
}

/** @returns what is wrong with a pattern, or null */
export function patternProblem(pattern: string, type: "date" | "timestamp"): string | null {
  const tokens = parsePattern(pattern);
  const unquoted = pattern.replace(/'[^']*'/g, "");
  const strange = unquoted.replace(new RegExp(FIELDS.join("|"), "g"), "").match(/[A-Za-z](?<!T)|'/);
  if (strange) {
    const known = FIELDS.join(", ");
    return `"${pattern}" has "${strange[0]}", which is no field. Fields: ${known}. Put other letters between apostrophes.`;
  }
  const fields = tokens.flatMap((token) => ("field" in token ? [token.field] : []));
  const meanings = fields.map((field) => MEANINGS[field]);
  const repeated = meanings.find((meaning, index) => meanings.indexOf(meaning) !== index);
  if (repeated) return `"${pattern}" has the ${repeated === "half" ? "field a" : repeated} twice.`;
  const needed = type === "date" ? ["year", "month", "day"] : ["year", "month", "day", "hour", "minute"];
  const missing = needed.filter((meaning) => !meanings.includes(meaning));
  if (missing.length > 0) return `"${pattern}" has no ${missing.join(" and no ")}.`;
  if (type === "date" && meanings.some((meaning) => TIME.has(meaning)))
    return `"${pattern}" has a time of day. Use the type timestamp.`;
  const isTwelve = fields.includes("h") || fields.includes("hh");
  if (isTwelve !== fields.includes("a"))
    return isTwelve
      ? `"${pattern}" has hours to 12 without the field a (AM or PM). Use HH for hours to 23.`
      : `"${pattern}" has the field a (AM or PM) with hours to 23. Use hh.`;
  if (meanings.includes("fraction") && !meanings.includes("second"))
    return `"${pattern}" has fractions of a second without seconds.`;
  for (const [index, token] of tokens.entries()) {
    const next = tokens[index + 1];
    if (!("field" in token) || next === undefined) continue;
    const startsWithDigit =
      "field" in next ? !NAMES.has(next.field) && next.field !== "XXX" : /^\d/.test(next.text);
    if (VARIABLE.has(token.field) && startsWithDigit)
      return `"${pattern}" is ambiguous: ${token.field} has any number of digits, and more digits follow. Use ${token.field === "SSS" ? "a separator" : token.field.repeat(2)}.`;
  }
  return null;
}

/** Days whose fields look alike, so that patterns with different orders read different days. */
const PROBES = [
  [2003, 4, 5],
  [2001, 12, 11],
  [2010, 1, 2],
] as const;

/**
 * @param read reads a text by a pattern
 * @returns a text that two of the patterns read as different moments, or null
 */
export function findAmbiguity(
  patterns: readonly string[],
  read: (pattern: string, text: string) => string | null,
): { readonly text: string; readonly first: string; readonly second: string } | null {
  for (const [year, month, day] of PROBES) {
    for (const first of patterns) {
      const text = writeMoment(first, { ...SAMPLE, year, month, day });
      const meant = read(first, text);
      const second = patterns.find((other) => {
        const found = read(other, text);
        return found !== null && found !== meant;
      });
      if (second !== undefined) return { text, first, second };
    }
  }
  return null;
}

const SAMPLE: Moment = {
  year: 2024,
  month: 12,
  day: 31,
  hour: 17,
  minute: 30,
  second: 0,
  fraction: "000",
  offset: 0,
  hasTime: true,
};

/** Writes the last day of 2024, 17:30, as an example of a pattern. */
export function exampleOf(pattern: string): string {
  return writeMoment(pattern, SAMPLE);
}

function writeMoment(pattern: string, moment: Moment): string {
  const { year, month, day, hour, minute, second, fraction } = moment;
  const [yyyy = ""] = isoDate(year, month, day).split("-");
  const name = MONTHS[month - 1] ?? "";
  const texts: Readonly<Record<Field, string>> = {
    yyyy,
    yy: yyyy.slice(2),
    MMMM: name,
    MMM: name.slice(0, 3),
    MM: twoDigits(month),
    M: String(month),
    dd: twoDigits(day),
    d: String(day),
    HH: twoDigits(hour),
    H: String(hour),
    hh: twoDigits(hour % 12 || 12),
    h: String(hour % 12 || 12),
    mm: twoDigits(minute),
    ss: twoDigits(second),
    SSS: fraction,
    a: hour < 12 ? "AM" : "PM",
    XXX: "Z",
  };
  return parsePattern(pattern)
    .map((token) => ("field" in token ? texts[token.field] : token.text))
    .join("");
}

/** The year that two digits stand for, in the hundred years from `pivot`. */
export function fullYear(twoDigitYear: number, pivot: number): number {
  const year = pivot - (pivot % 100) + twoDigitYear;
  return year < pivot ? year + 100 : year;
}

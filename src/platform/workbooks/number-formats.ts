/** Writes the number of a cell as the sheet shows it. */
import { format, getFormatDateInfo, getFormatFromId } from "numfmt";
import { generalNumber } from "./general-number.ts";

export type WriteNumber = (value: number) => string;

/** The marks in numbers. An empty `group` leaves groups out. */
export interface NumberMarks {
  readonly decimal: string;
  readonly group: string;
}

/** Marks between digits, and the decimal mark before them: not those in the literal texts of a format. */
const MARKS = /(?<=\d)[.,](?=\d)|(?<![\d.,])\.(?=\d)/g;

/** Writes numbers with these marks, so that cells that are numbers and cells that are texts read the same. */
export function withMarks(write: WriteNumber, { decimal, group }: NumberMarks): WriteNumber {
  return (value) => write(value).replace(MARKS, (mark) => (mark === "." ? decimal : group));
}

/** Excel allows no longer ones. */
export const MAX_FORMAT_CHARS = 255;
/** The days between the first day of the two date systems. */
const DAYS_TO_1904 = 1462;

const DATE = "yyyy-mm-dd";
const TIME = "h:mm:ss";

/**
 * Formats that every spreadsheet program shows in the language of its user, which the file does not tell. Dates are written
 * as in ISO 8601, and money without its sign, so that they read the same for everybody.
 */
const OF_THE_LANGUAGE: Readonly<Record<number, string>> = {
  5: "#,##0",
  6: "#,##0",
  7: "#,##0.00",
  8: "#,##0.00",
  14: DATE,
  22: `${DATE} h:mm`,
  ...Object.fromEntries([27, 28, 29, 30, 31, 36, 50, 51, 52, 53, 54, 55, 56, 57, 58].map((id) => [id, DATE])),
  32: TIME,
  33: TIME,
  34: TIME,
  35: TIME,
  37: "#,##0",
  38: "#,##0",
  39: "#,##0.00",
  40: "#,##0.00",
  41: "#,##0",
  42: "#,##0",
  43: "#,##0.00",
  44: "#,##0.00",
};

/** @param declared the formats of the workbook, which count first */
export function patternOf(id: number, declared: ReadonlyMap<number, string>): string {
  return declared.get(id) ?? OF_THE_LANGUAGE[id] ?? getFormatFromId(id) ?? "General";
}

/** @param is1904 whether dates count from 1904 */
export function numberWriter(pattern: string, is1904: boolean): WriteNumber {
  if (/^(general|@|)$/i.test(pattern) || pattern.length > MAX_FORMAT_CHARS) return generalNumber;
  const neutral = neutralPattern(pattern);
  const addedDays = is1904 && isDate(neutral) ? DAYS_TO_1904 : 0;
  return (value) => {
    try {
      const options = { dateErrorThrows: true, dateSpanLarge: false };
      return format(neutral, value + addedDays, options).trim();
    } catch {
      // A pattern that is not valid, or a number that is no date. The sheet shows #### or an error.
      return generalNumber(value);
    }
  };
}

/** Replaces what follows the language of the user, and decimal marks that follow a language in the pattern. */
function neutralPattern(pattern: string): string {
  if (/\[\$-F800\]/i.test(pattern)) return DATE;
  if (/\[\$-F400\]/i.test(pattern)) return TIME;
  if (isDate(pattern)) return pattern;
  return pattern.replace(/\[\$([^\]-]*)-[^\]]*\]/g, (_, sign: string) => (sign === "" ? "" : `[$${sign}]`));
}

/** Whether a pattern has a date or a time, whose marks are not those of numbers. */
export function isMoment(pattern: string): boolean {
  try {
    const { year, month, day, hours, minutes, seconds } = getFormatDateInfo(pattern);
    return year || month || day || hours || minutes || seconds;
  } catch {
    return false;
  }
}

/** Whether a pattern has a day, a month or a year. Elapsed hours do not depend on the date system. */
function isDate(pattern: string): boolean {
  try {
    const { year, month, day } = getFormatDateInfo(pattern);
    return year || month || day;
  } catch {
    return false;
  }
}

/** Reads numbers as people and spreadsheets write them, digit by digit: a regular expression would need twice the time. */
import type { ColumnDefinition } from "../definition/column.ts";
import { compareDecimals, fitScale, joinDecimal, plainDecimal } from "./decimals.ts";
import type { ResolvedLocale } from "./locales.ts";
import { Problem, type Reader, spreadsheetHint } from "./problem.ts";

/** PostgreSQL stores more, but nobody writes more. */
const MAX_DIGITS = 1000;
const INTEGER_BITS: Readonly<Record<string, number>> = { int2: 16, smallint: 16, int4: 32, integer: 32 };

/** @param type of the column in the database */
function integerRange(type = "int8"): readonly [lowest: string, highest: string] {
  const size = 2n ** BigInt((INTEGER_BITS[type] ?? 64) - 1);
  return [String(-size), String(size - 1n)];
}

type NumberColumn = Pick<
  ColumnDefinition,
  "precision" | "scale" | "rounding" | "minimum" | "maximum" | "currency" | "database_type"
>;

/** Blanks that stand between groups of digits, or between a number and its currency. */
function isBlank(code: number): boolean {
  return code === 0x20 || code === 0xa0 || code === 0x202f || code === 0x2009;
}

const DIGIT_0 = 48;
const isDigit = (code: number) => code >= DIGIT_0 && code <= 57;
const isMinus = (code: number) => code === 0x2d || code === 0x2212;

/** @returns a function that says whether a character stands between groups */
function groupTest(group: string): ((code: number) => boolean) | null {
  if (group === "") return null;
  const code = group.charCodeAt(0);
  if (isBlank(code)) return isBlank;
  if (group === "'" || group === "’") return (other) => other === 0x27 || other === 0x2019;
  return (other) => other === code;
}

interface Scanned {
  isNegative: boolean;
  whole: string;
  fraction: string;
}

export function decimalReader(column: NumberColumn, locale: ResolvedLocale): Reader {
  const scan = numberScanner(column, locale);
  const { precision, scale = precision === undefined ? MAX_DIGITS : 0, rounding = "refuse" } = column;
  const wholeDigits = precision === undefined ? MAX_DIGITS : precision - scale;
  const inRange = rangeCheck(column.minimum, column.maximum);
  return (text) => {
    const scanned = scan(text);
    if (scanned instanceof Problem) return scanned;
    const { isNegative, whole, fraction } = scanned;
    const fitted =
      fraction.length <= scale
        ? joinDecimal(isNegative, whole, fraction)
        : fitScale(isNegative, whole, fraction, scale, rounding);
    if (fitted instanceof Problem) return fitted;
    if (precision !== undefined && countWholeDigits(fitted) > wholeDigits)
      return new Problem(
        "out_of_range",
        `has ${countWholeDigits(fitted)} digits before the decimals; at most ${wholeDigits} are allowed`,
      );
    return inRange(fitted) ?? fitted;
  };
}

function countWholeDigits(text: string): number {
  const start = text.startsWith("-") ? 1 : 0;
  const point = text.indexOf(".");
  const count = (point === -1 ? text.length : point) - start;
  return count === 1 && text[start] === "0" ? 0 : count;
}

export function integerReader(column: NumberColumn, locale: ResolvedLocale): Reader {
  const scan = numberScanner(column, locale, true);
  const [lowest, highest] = integerRange(column.database_type);
  const inRange = rangeCheck(column.minimum, column.maximum);
  return (text) => {
    const scanned = scan(text);
    if (scanned instanceof Problem) return scanned;
    const { isNegative, whole, fraction } = scanned;
    // pandas writes 5.0, and spreadsheets 5.00. In 1.000, the character may be meant to group digits.
    if (fraction !== "" && fraction !== "0" && fraction !== "00")
      return new Problem("invalid_number", "is not a whole number");
    const number = joinDecimal(isNegative, whole, "");
    if (number.length > 9 || lowest.length < 10) {
      if (compareDecimals(number, lowest) < 0 || compareDecimals(number, highest) > 0)
        return new Problem("out_of_range", `is not from ${lowest} to ${highest}`);
    }
    return inRange(number) ?? number;
  };
}

/** @returns a function that returns the broken limit, or null */
function rangeCheck(
  minimum: NumberColumn["minimum"],
  maximum: NumberColumn["maximum"],
): (number: string) => Problem | null {
  const [least, greatest] = [limitText(minimum), limitText(maximum)];
  if (least === null && greatest === null) return () => null;
  return (number) => {
    if (least !== null && compareDecimals(number, least) < 0)
      return new Problem("out_of_range", `is less than ${least}, the minimum`);
    if (greatest !== null && compareDecimals(number, greatest) > 0)
      return new Problem("out_of_range", `is greater than ${greatest}, the maximum`);
    return null;
  };
}

/** @returns a limit of a definition as a plain decimal; null: none, or no number */
export function limitText(limit: string | number | undefined): string | null {
  if (limit === undefined) return null;
  const text = plainText(limit);
  return /^-?(0|[1-9]\d*)(\.\d+)?$/.test(text) ? plainDecimal(text) : null;
}

/** Writes a number of a definition without an exponent. */
export function plainText(value: string | number): string {
  if (typeof value === "string") return value;
  const text = String(value);
  if (!text.includes("e")) return text;
  return Math.abs(value) < 1 ? value.toFixed(20).replace(/0+$/, "") : BigInt(value).toString();
}

/** Returns a function that takes a number apart, without sign, currency and groups. */
function numberScanner(
  column: NumberColumn,
  locale: ResolvedLocale,
  isInteger = false,
): (text: string) => Scanned | Problem {
  const decimal = locale.decimal.charCodeAt(0);
  const isGroup = groupTest(locale.group);
  const symbols = [...(column.currency?.symbols ?? [])].sort((a, b) => b.length - a.length);
  const refuse = (text: string, reason?: string) =>
    new Problem("invalid_number", `is not a number: ${reason ?? explain(text, locale, isInteger)}`);
  return (text) => {
    let start = 0;
    let end = text.length;
    let isNegative = false;
    let hasSign = false;
    const takeSign = () => {
      const code = text.charCodeAt(start);
      if (!hasSign && (isMinus(code) || code === 0x2b)) {
        isNegative = code !== 0x2b;
        hasSign = true;
        start++;
      }
    };
    takeSign();
    if (symbols.length > 0) {
      // Accounting formats write -5 as (5).
      if (!hasSign && text.startsWith("(") && text.endsWith(")")) {
        isNegative = hasSign = true;
        start++;
        end--;
      }
      const before = symbols.find((symbol) => text.startsWith(symbol, start));
      const after = before === undefined ? symbols.find((symbol) => text.endsWith(symbol, end)) : undefined;
      if (before !== undefined) {
        start += before.length;
        while (isBlank(text.charCodeAt(start))) start++;
        takeSign();
      } else if (after !== undefined && end - after.length > start) {
        end -= after.length;
        while (isBlank(text.charCodeAt(end - 1))) end--;
      }
    }
    const first = start;
    let at = start;
    let hasGroups = false;
    let groupStart = start;
    for (; at < end; at++) {
      const code = text.charCodeAt(at);
      if (isDigit(code)) continue;
      if (isGroup === null || !isGroup(code)) break;
      const size = at - groupStart;
      if (hasGroups ? size !== 3 : size < 1 || size > 3) return refuse(text, groupReason(locale));
      hasGroups = true;
      groupStart = at + 1;
    }
    if (hasGroups && at - groupStart !== 3) return refuse(text, groupReason(locale));
    const wholeEnd = at;
    let fraction = "";
    if (at < end && text.charCodeAt(at) === decimal) {
      at++;
      const fractionStart = at;
      while (at < end && isDigit(text.charCodeAt(at))) at++;
      if (at === fractionStart) return refuse(text);
      fraction = text.slice(fractionStart, at);
    }
    if (at !== end || (wholeEnd === first && fraction === "")) return refuse(text);
    if (end - first > MAX_DIGITS) return refuse(text, `it has more than ${MAX_DIGITS} digits`);
    let whole = hasGroups ? text.slice(first, wholeEnd).replace(/\D/g, "") : text.slice(first, wholeEnd);
    if (whole === "") whole = "0";
    if (whole.length > 1 && whole.charCodeAt(0) === DIGIT_0) whole = whole.replace(/^0+(?=\d)/, "");
    return { isNegative, whole, fraction };
  };
}

function groupReason({ group, decimal }: ResolvedLocale): string {
  return `groups have three digits, as in 1${group}250${decimal}00`;
}

/** Says why a text is not a number, in the order in which people meet the reasons. */
function explain(text: string, { decimal, group }: ResolvedLocale, isInteger: boolean): string {
  const example = isInteger ? `1${group}250` : `1${group}250${decimal}50`;
  const hint = spreadsheetHint(text);
  if (hint) return hint;
  if (text.endsWith("%")) return "percentages are not read; write the number without the percent sign";
  if (/^[+-]?\d+([.,]\d*)?e[+-]?\d+$/i.test(text))
    return "a spreadsheet may have dropped digits of it; format the column as a number and export it again";
  if (/^\(.*\)$/.test(text)) return "write a minus instead of brackets";
  if (/\d-$/.test(text)) return "write the minus before the number";
  if (/^[\d.,'’\s+-]+$/.test(text)) {
    const other = decimal === "." ? "," : ".";
    if (text.includes(other) && group !== other && !isInteger)
      return `decimals follow "${decimal}", as in ${example}`;
  }
  return `write it as ${example}`;
}

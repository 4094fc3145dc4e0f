/** Recognizes how a column writes dates and times. */

export type DateOrder = "ymd" | "dmy" | "mdy";

export interface DateStyle {
  readonly hasTime: boolean;
  /** The orders that fit all values. */
  readonly orders: readonly DateOrder[];
  /** ISO 8601: no format is needed. */
  readonly isIso: boolean;
  readonly patternIn: (order: DateOrder) => string;
}

const NUMERIC =
  /^(\d{1,4})([./-])(\d{1,2})\2(\d{4}|\d{2})(?:([T ]|, )(\d{1,2}):(\d{2})(:\d{2})?(\.\d+)?( ?[ap]m)?(Z|[+-]\d{2}:?\d{2})?)?$/i;
/** Formats know the names of months in English. */
const MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");
const NAMED = /^(\d{1,2})(\.?) (\p{L}{3,})(\.?) (\d{4})$/u;

/** @returns null if a value is no date, or if no order fits all of them */
export function dateStyleOf(values: readonly string[]): DateStyle | null {
  return numericStyle(values) ?? namedStyle(values);
}

function numericStyle(values: readonly string[]): DateStyle | null {
  const found = values.map((value) => NUMERIC.exec(value));
  if (!found.every((match) => match !== null)) return null;
  const [first] = found;
  if (!first) return null;
  const separator = first[2] ?? "";
  const between = first[5];
  const hasZone = first[11] !== undefined;
  const isSame = found.every(
    (match) =>
      match[2] === separator &&
      match[5] === between &&
      (match[11] !== undefined) === hasZone &&
      (match[8] === undefined) === (first[8] === undefined) &&
      (match[10] === undefined) === (first[10] === undefined),
  );
  if (!isSame) return null;
  const parts = found.map((match) => [Number(match[1]), Number(match[3]), Number(match[4])] as const);
  const isYearFirst = found.every((match) => match[1]?.length === 4);
  const orders = ordersOf(parts, isYearFirst);
  if (orders.length === 0) return null;
  const isShort = found.some((match) => match[1]?.length === 1 || match[3]?.length === 1);
  const isShortYear = found.every((match) => match[4]?.length === 2) && !isYearFirst;
  const hasTime = between !== undefined;
  const isIso = isYearFirst && separator === "-" && !isShort && first[10] === undefined && between !== ", ";
  const time = hasTime ? timePattern(first) : "";
  const [day, month, year] = [isShort ? "d" : "dd", isShort ? "M" : "MM", isShortYear ? "yy" : "yyyy"];
  const fields = { d: day, m: month, y: year };
  return {
    hasTime,
    orders,
    isIso,
    patternIn: (order) =>
      [...order].map((part) => fields[part as keyof typeof fields]).join(separator) + time,
  };
}

function ordersOf(parts: readonly (readonly [number, number, number])[], isYearFirst: boolean): DateOrder[] {
  const isMonth = (value: number) => value >= 1 && value <= 12;
  const isDay = (value: number) => value >= 1 && value <= 31;
  if (isYearFirst) return parts.every(([, month, day]) => isMonth(month) && isDay(day)) ? ["ymd"] : [];
  const orders: DateOrder[] = [];
  if (parts.every(([day, month]) => isDay(day) && isMonth(month))) orders.push("dmy");
  if (parts.every(([month, day]) => isDay(day) && isMonth(month))) orders.push("mdy");
  return orders;
}

function timePattern(match: RegExpExecArray): string {
  const [, , , , , between = "", hour = "", , seconds, fraction, half, zone] = match;
  const letter = half === undefined ? "H" : "h";
  return [
    between === "T" ? "'T'" : between,
    hour.length === 1 ? letter : letter.repeat(2),
    ":mm",
    seconds === undefined ? "" : ":ss",
    fraction === undefined ? "" : ".SSS",
    half === undefined ? "" : half.startsWith(" ") ? " a" : "a",
    zone === undefined ? "" : "XXX",
  ].join("");
}

/** Dates such as `10 Dec 1985`. */
function namedStyle(values: readonly string[]): DateStyle | null {
  const found = values.map((value) => NAMED.exec(value));
  if (!found.every((match) => match !== null)) return null;
  const [first] = found;
  if (!first || !found.every((match) => match[2] === first[2] && match[4] === first[4])) return null;
  if (!found.every((match) => MONTHS.includes(match[3]?.slice(0, 3).toLowerCase() ?? ""))) return null;
  const month = found.every((match) => (match[3]?.length ?? 0) === 3) ? "MMM" : "MMMM";
  const pattern = `d${first[2]} ${month}${first[4]} yyyy`;
  return { hasTime: false, orders: ["dmy"], isIso: false, patternIn: () => pattern };
}

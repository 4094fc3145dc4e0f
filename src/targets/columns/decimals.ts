/** Decimal numbers as texts, because JavaScript's numbers lose digits: `-12.50`. No sign but `-`, no needless zeros in front. */
import { Problem } from "./problem.ts";

export type Rounding = "refuse" | "half_up" | "half_even" | "truncate";

/** JavaScript numbers compare texts of up to this length as exactly as decimals. */
const EXACT_CHARACTERS = 15;

/** @returns a negative number, 0 or a positive number, as sorting needs it */
export function compareDecimals(left: string, right: string): number {
  if (left.length <= EXACT_CHARACTERS && right.length <= EXACT_CHARACTERS)
    return Number(left) - Number(right);
  const [a, b] = [splitDecimal(left), splitDecimal(right)];
  if (a.isNegative !== b.isNegative) return a.isNegative ? -1 : 1;
  const size = compareSizes(a, b);
  return a.isNegative ? -size : size;
}

interface Parts {
  readonly isNegative: boolean;
  readonly whole: string;
  /** Without zeros at the end. */
  readonly fraction: string;
}

function splitDecimal(text: string): Parts {
  const isNegative = text.startsWith("-");
  const point = text.indexOf(".");
  const whole = text.slice(isNegative ? 1 : 0, point === -1 ? undefined : point);
  return { isNegative, whole, fraction: point === -1 ? "" : dropZeros(text.slice(point + 1)) };
}

function compareSizes(a: Parts, b: Parts): number {
  if (a.whole.length !== b.whole.length) return a.whole.length - b.whole.length;
  if (a.whole !== b.whole) return a.whole < b.whole ? -1 : 1;
  if (a.fraction === b.fraction) return 0;
  return a.fraction < b.fraction ? -1 : 1;
}

function dropZeros(fraction: string): string {
  let end = fraction.length;
  while (fraction[end - 1] === "0") end--;
  return fraction.slice(0, end);
}

/** Equal numbers have equal texts: 1.50 and 1.5 become 1.5. */
export function plainDecimal(text: string): string {
  const { isNegative, whole, fraction } = splitDecimal(text);
  return joinDecimal(isNegative, whole, fraction);
}

/** Zero has no sign. */
export function joinDecimal(isNegative: boolean, whole: string, fraction: string): string {
  const text = fraction === "" ? whole : `${whole}.${fraction}`;
  return isNegative && !isZero(whole, fraction) ? `-${text}` : text;
}

function isZero(whole: string, fraction: string): boolean {
  return whole === "0" && dropZeros(fraction) === "";
}

/**
 * Cuts or rounds decimals to `scale`. Zeros beyond it are dropped whatever `rounding` says.
 * @param whole and `fraction` are digits
 */
export function fitScale(
  isNegative: boolean,
  whole: string,
  fraction: string,
  scale: number,
  rounding: Rounding,
): string | Problem {
  if (fraction.length <= scale) return joinDecimal(isNegative, whole, fraction);
  const kept = fraction.slice(0, scale);
  const rest = dropZeros(fraction.slice(scale));
  if (rest === "" || rounding === "truncate") return joinDecimal(isNegative, whole, kept);
  if (rounding === "refuse") {
    const allowed = scale === 0 ? "none are" : `at most ${scale} ${scale === 1 ? "is" : "are"}`;
    return new Problem("too_many_decimals", `has ${dropZeros(fraction).length} decimals; ${allowed} allowed`);
  }
  const lastDigit = Number((whole + kept).at(-1));
  const isHalf = rest === "5";
  const isUp = rest >= "5" && !(isHalf && rounding === "half_even" && lastDigit % 2 === 0);
  if (!isUp) return joinDecimal(isNegative, whole, kept);
  const digits = (BigInt(whole + kept) + 1n).toString().padStart(scale + 1, "0");
  return joinDecimal(isNegative, digits.slice(0, digits.length - scale), digits.slice(digits.length - scale));
}

/** Guesses the type of a column from its first cells. The administrator confirms it. */
import type { ColumnType } from "../definition/definition.ts";
import { type DateStyle, dateStyleOf } from "./dates.ts";
import { isAmbiguousNumber, type NumberStyle, stylesOf, withoutCurrency } from "./numbers.ts";

/** A doubt about a guess, for the person who confirms it. */
export type Doubt =
  | "empty"
  | "few_values"
  | "both_orders"
  | "ambiguous_number"
  | "other_style"
  | "leading_zeros"
  | "scientific"
  | "zero_one";

export interface Guess {
  readonly type: ColumnType;
  readonly doubts: readonly Doubt[];
  /** For numbers: the styles that fit. The style that fits most columns is chosen for the whole file. */
  readonly styles?: readonly NumberStyle[];
  /** Numbers without their currency. */
  readonly numbers?: readonly string[];
  readonly symbols?: readonly string[];
  readonly dates?: DateStyle;
  /** For an enum: its values. For a boolean: its words. */
  readonly words?: readonly string[];
}

/** Words that mean true or false, in several languages. */
export const TRUE_WORDS = ["true", "t", "yes", "y", "on", "1", "ja", "j", "wahr", "oui", "vrai", "sí", "si"];
export const FALSE_WORDS = ["false", "f", "no", "n", "off", "0", "nein", "falsch", "non", "faux"];
/** Words that mean no value. */
const NULL_WORDS = new Set(["null", "n/a", "na", "none", "nil", "-", "--", "?", "#n/a"]);

const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;
const EMAIL = /^[^\s@,;]+@[^\s@,;]+\.[^\s@,;]+$/;
const URL_TEXT = /^https?:\/\/\S+$/i;
const SCIENTIFIC = /^[+-]?\d+(?:[.,]\d+)?e[+-]?\d+$/i;
const LEADING_ZERO = /^[+-]?0\d/;

const MIN_ENUM_VALUES = 20;
const MAX_ENUM_WORDS = 12;
const MAX_ENUM_CHARS = 40;

/** The values of a column, and the words in it that mean no value. */
export function valuesOf(cells: readonly string[]): { values: string[]; nullWords: string[] } {
  const texts = cells.map((cell) => cell.trim()).filter((cell) => cell !== "");
  const isNull = (text: string) => NULL_WORDS.has(text.toLowerCase());
  const values = texts.filter((text) => !isNull(text));
  return { values, nullWords: [...new Set(texts.filter(isNull))] };
}

export function guessColumn(values: readonly string[]): Guess {
  if (values.length === 0) return { type: "text", doubts: ["empty"] };
  if (values.every((value) => UUID.test(value))) return { type: "uuid", doubts: [] };
  if (values.every((value) => EMAIL.test(value))) return { type: "email", doubts: [] };
  if (values.every((value) => URL_TEXT.test(value))) return { type: "url", doubts: [] };
  return guessDate(values) ?? guessNumber(values) ?? guessBoolean(values) ?? guessText(values);
}

function guessDate(values: readonly string[]): Guess | null {
  const dates = dateStyleOf(values);
  if (!dates) return null;
  const doubts: Doubt[] = dates.orders.length > 1 ? ["both_orders"] : [];
  return { type: dates.hasTime ? "timestamp" : "date", doubts, dates };
}

function guessNumber(values: readonly string[]): Guess | null {
  const priced = withoutCurrency(values);
  const numbers = priced?.values ?? values;
  if (numbers.every((value) => SCIENTIFIC.test(value) || /^[+-]?\d+$/.test(value))) {
    if (numbers.some((value) => SCIENTIFIC.test(value))) return { type: "text", doubts: ["scientific"] };
    if (numbers.some((value) => LEADING_ZERO.test(value))) return { type: "text", doubts: ["leading_zeros"] };
  }
  const styles = stylesOf(numbers);
  if (styles.length === 0) return null;
  const isFlag =
    priced === null && new Set(numbers).size === 2 && numbers.every((value) => /^[01]$/.test(value));
  const doubts: Doubt[] = [
    ...(isFlag ? (["zero_one"] as const) : []),
    ...(isAmbiguousNumber(numbers) ? (["ambiguous_number"] as const) : []),
  ];
  return { type: "decimal", doubts, styles, numbers, ...(priced ? { symbols: priced.symbols } : {}) };
}

function guessBoolean(values: readonly string[]): Guess | null {
  const words = [...new Set(values.map((value) => value.toLowerCase()))];
  const isKnown = words.every((word) => TRUE_WORDS.includes(word) || FALSE_WORDS.includes(word));
  const hasBoth =
    words.some((word) => TRUE_WORDS.includes(word)) && words.some((word) => FALSE_WORDS.includes(word));
  return isKnown && hasBoth ? { type: "boolean", doubts: [], words } : null;
}

function guessText(values: readonly string[]): Guess {
  const words = [...new Set(values)];
  const isEnum =
    values.length >= MIN_ENUM_VALUES &&
    words.length <= MAX_ENUM_WORDS &&
    words.every((word) => word.length <= MAX_ENUM_CHARS);
  return isEnum ? { type: "enum", doubts: ["few_values"], words } : { type: "text", doubts: [] };
}

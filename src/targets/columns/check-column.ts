/** Checks one column of a definition, without regard to the others. */
import type { ColumnDefinition } from "../definition/column.ts";
import { bareName } from "../names.ts";
import { NEEDED, OPTIONS } from "./column-options.ts";
import { findAmbiguity, patternProblem } from "./date-patterns.ts";
import { compareDecimals } from "./decimals.ts";
import { readOwnValue } from "./defaults.ts";
import type { FoundProblems } from "./found-problems.ts";
import { foldWord, type ResolvedLocale } from "./locales.ts";
import { newMoment } from "./moments.ts";
import { compilePattern } from "./patterns.ts";
import { Problem, quoteCell } from "./problem.ts";
import { DEFAULT_PIVOT, dateLimit, instantLimit } from "./read-date.ts";
import { limitText } from "./read-number.ts";
import { isCellColumn } from "./reader-of.ts";
import { scannerOfPattern } from "./scan-dates.ts";

/** Adds a problem of a field of the column. */
type Add = (field: string, message: string) => void;

export function checkColumn(
  column: ColumnDefinition,
  path: string,
  locale: ResolvedLocale,
  found: FoundProblems,
): void {
  let isSound = true;
  const add: Add = (field, message) => {
    isSound = false;
    found.add(`${path}.${field}`, message);
  };
  checkName(column, add);
  checkOptions(column, add);
  checkLimits(column, locale, add);
  checkText(column, add);
  checkFormats(column, add);
  checkWords(column, add);
  checkArray(column, locale, add);
  // A wrong column refuses its examples as well.
  if (isSound) checkSamples(column, locale, add);
}

function checkName({ name }: ColumnDefinition, add: Add): void {
  // JavaScript gives this name a meaning of its own.
  if (name === "__proto__") add("name", "cannot be the name of a column. Choose another one.");
  else if (bareName(name) === "") add("name", "has no letter and no digit. Choose another one.");
}

function checkOptions(column: ColumnDefinition, add: Add): void {
  const { type } = column;
  const possible: readonly string[] = OPTIONS[type];
  for (const [option, value] of Object.entries(column)) {
    if (value === undefined || possible.includes(option)) continue;
    const types = Object.entries(OPTIONS).filter(([, options]) => options.some((known) => known === option));
    const belongs = types.map(([name]) => name).join(", ");
    add(option, `does not belong to the type ${type}, but to: ${belongs}. Remove it, or change the type.`);
  }
  const needed = NEEDED[type];
  if (needed !== undefined && column[needed] === undefined) add(needed, `is required for the type ${type}.`);
  if (type === "constant" && (column.value === undefined) === (column.from === undefined))
    add("value", "or `from` is required for the type constant, and not both.");
  if (column.pattern_message !== undefined && column.pattern === undefined)
    add("pattern_message", "needs a `pattern`.");
  if (column.empty_cell === "default" && column.default === undefined)
    add("empty_cell", "is default, but the column has no `default`.");
}

function checkLimits(column: ColumnDefinition, locale: ResolvedLocale, add: Add): void {
  const { min_length, max_length, precision, scale } = column;
  if (min_length !== undefined && max_length !== undefined && min_length > max_length)
    add("min_length", `is greater than \`max_length\`, ${max_length}.`);
  if (precision !== undefined && scale !== undefined && scale > precision)
    add("scale", `is greater than \`precision\`, ${precision}. \`precision\` counts all digits.`);
  const range = rangeOf(column, locale);
  if (range === null) return;
  if (column.minimum !== undefined && range.minimum === null) add("minimum", range.howTo);
  if (column.maximum !== undefined && range.maximum === null) add("maximum", range.howTo);
  if (range.isEmpty) add("minimum", `is greater than \`maximum\`, ${column.maximum}.`);
}

/** @returns null if columns of the type have no limits */
function rangeOf(column: ColumnDefinition, locale: ResolvedLocale) {
  switch (column.type) {
    case "integer":
    case "decimal": {
      const [minimum, maximum] = [limitText(column.minimum), limitText(column.maximum)];
      const isEmpty = minimum !== null && maximum !== null && compareDecimals(minimum, maximum) > 0;
      return { minimum, maximum, isEmpty, howTo: "must be a number, such as 0 or 1250.5." };
    }
    case "date": {
      const [minimum, maximum] = [dateLimit(column.minimum, locale), dateLimit(column.maximum, locale)];
      const isEmpty = minimum !== null && maximum !== null && minimum > maximum;
      return { minimum, maximum, isEmpty, howTo: "must be a date such as 1900-01-31, or today." };
    }
    case "timestamp": {
      const minimum = instantLimit(column.minimum, locale, "minimum");
      const maximum = instantLimit(column.maximum, locale, "maximum");
      const isEmpty = minimum !== null && maximum !== null && minimum > maximum;
      return {
        minimum,
        maximum,
        isEmpty,
        howTo: "must be a date or a time such as 2024-01-31T17:30, or today.",
      };
    }
    default:
      return null;
  }
}

function checkText({ pattern }: ColumnDefinition, add: Add): void {
  const compiled = pattern === undefined ? null : compilePattern(pattern);
  if (typeof compiled === "string") add("pattern", compiled);
}

function checkFormats({ type, formats, two_digit_year_pivot: pivot }: ColumnDefinition, add: Add): void {
  if (formats === undefined || (type !== "date" && type !== "timestamp")) return;
  const problems = formats.map((pattern) => patternProblem(pattern, type));
  for (const [index, problem] of problems.entries()) if (problem) add(`formats.${index}`, problem);
  if (problems.some((problem) => problem !== null)) return;
  if (pivot !== undefined && !formats.some((pattern) => /(?<!y)yy(?!y)/.test(pattern)))
    add("two_digit_year_pivot", "needs a format with yy.");
  const moment = newMoment();
  const ambiguity = findAmbiguity(formats, (pattern, text) =>
    scannerOfPattern(pattern, pivot ?? DEFAULT_PIVOT)(text, moment) ? JSON.stringify(moment) : null,
  );
  if (ambiguity)
    add(
      "formats",
      `are ambiguous: ${ambiguity.first} and ${ambiguity.second} read "${ambiguity.text}" as different days. Remove one of them.`,
    );
}

function checkWords({ values = [] }: ColumnDefinition, add: Add): void {
  const meanings = new Map<string, string>();
  const seen = new Set<string>();
  for (const [index, { value, synonyms = [] }] of values.entries()) {
    if (seen.has(value)) add(`values.${index}.value`, `"${value}" is there twice.`);
    seen.add(value);
    for (const word of [value, ...synonyms]) {
      const other = meanings.get(foldWord(word));
      if (other !== undefined && other !== value)
        add(`values.${index}.synonyms`, `"${word}" means both "${other}" and "${value}". Remove one.`);
      meanings.set(foldWord(word), value);
    }
  }
}

function checkArray(
  { type, items, separator = "," }: ColumnDefinition,
  locale: ResolvedLocale,
  add: Add,
): void {
  if (type !== "array" || items === undefined) return;
  if (items.max_length !== undefined && !["text", "email", "url"].includes(items.type))
    add("items.max_length", `does not belong to items of the type ${items.type}.`);
  const isNumber = items.type === "decimal" || items.type === "integer";
  if (isNumber && [locale.decimal, locale.group].includes(separator))
    add(
      "separator",
      `"${separator}" is a part of numbers in this locale. Choose another one, such as "|" or ";".`,
    );
}

/** Checks the values that the definition has for the column. */
function checkSamples(column: ColumnDefinition, locale: ResolvedLocale, add: Add): void {
  if (!isCellColumn(column)) return;
  for (const field of ["default", "example"] as const) {
    const sample = column[field];
    const value = sample === undefined ? null : readOwnValue(column, sample, locale);
    if (value instanceof Problem) add(field, `${quoteCell(String(sample))} ${value.message}.`);
  }
}

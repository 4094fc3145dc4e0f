/** Values that a definition has itself: defaults, and the values that rules compare with. */
import type { ColumnDefinition } from "../definition/column.ts";
import type { Definition } from "../definition/definition.ts";
import type { Values } from "../target.ts";
import { type ResolvedLocale, resolveLocale } from "./locales.ts";
import { Problem } from "./problem.ts";
import { plainText } from "./read-number.ts";
import { type CellColumn, isCellColumn, readerOf } from "./reader-of.ts";
import { transformer } from "./transforms.ts";

/** Numbers and booleans of JSON do not depend on a locale. */
const NEUTRAL = resolveLocale();

/** @param locale of the definition, not of an upload: it says how the definition writes texts */
export function readOwnValue(
  column: CellColumn,
  value: string | number | boolean,
  locale: ResolvedLocale,
): string | Problem {
  if (typeof value === "boolean") {
    if (column.type === "boolean") return value ? "t" : "f";
    return readText(column, String(value), NEUTRAL);
  }
  if (typeof value === "number") return readText(column, plainText(value), NEUTRAL);
  return readText(column, value, locale);
}

function readText(column: CellColumn, value: string, locale: ResolvedLocale): string | Problem {
  const text = column.trim === false ? value : value.trim();
  const transformed = transformer(column.transform)?.(text) ?? text;
  if (transformed instanceof Problem) return transformed;
  if (transformed === "" && column.type !== "text") return new Problem("required", "is empty");
  return readerOf(column, locale)(transformed);
}

/** @returns undefined if the column has no default, or one that `checkColumns` refuses */
export function defaultOf(column: ColumnDefinition, locale: ResolvedLocale): string | undefined {
  if (column.default === undefined || !isCellColumn(column)) return undefined;
  const value = readOwnValue(column, column.default, locale);
  return value instanceof Problem ? undefined : value;
}

/**
 * The defaults of new records, for writers of `upsert`: `rowCheck` leaves a column without a value undefined there, because
 * it does not know whether the record exists.
 */
export function defaultsOf(definition: Definition): Values {
  const locale = resolveLocale(definition.locale);
  return Object.fromEntries(
    definition.columns.flatMap((column) => {
      const value = defaultOf(column, locale);
      return value === undefined ? [] : [[column.name, value]];
    }),
  );
}

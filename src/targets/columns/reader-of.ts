/** Finds the reader of a column by its type. */
import type { ColumnDefinition, ColumnType } from "../definition/column.ts";
import { writeArray } from "./arrays.ts";
import type { ResolvedLocale } from "./locales.ts";
import { Problem, quoteCell, type Reader } from "./problem.ts";
import { dateReader, timestampReader } from "./read-date.ts";
import { jsonReader } from "./read-json.ts";
import { decimalReader, integerReader } from "./read-number.ts";
import { emailReader, textReader, urlReader, uuidReader } from "./read-text.ts";
import { booleanReader, enumReader } from "./read-words.ts";

/** Types whose values come from cells. */
type CellType = Exclude<ColumnType, "computed" | "constant">;

/** A longer text is no key of another table. */
const MAX_LOOKUP_CHARACTERS = 1000;
const DEFAULT_MAX_ITEMS = 1000;

const READERS: Readonly<Record<CellType, (column: ColumnDefinition, locale: ResolvedLocale) => Reader>> = {
  text: textReader,
  integer: integerReader,
  decimal: decimalReader,
  boolean: (_, locale) => booleanReader(locale),
  date: dateReader,
  timestamp: timestampReader,
  email: emailReader,
  url: urlReader,
  uuid: uuidReader,
  enum: enumReader,
  json: jsonReader,
  array: arrayReader,
  lookup: (column) => textReader({ ...column, max_length: column.max_length ?? MAX_LOOKUP_CHARACTERS }),
};

export type CellColumn = ColumnDefinition & { readonly type: CellType };

/** Whether the column is in files. */
export function isCellColumn(column: ColumnDefinition): column is CellColumn {
  return column.type !== "computed" && column.type !== "constant";
}

export function readerOf(column: CellColumn, locale: ResolvedLocale): Reader {
  return READERS[column.type](column, locale);
}

function arrayReader(column: ColumnDefinition, locale: ResolvedLocale): Reader {
  const { items = { type: "text" }, separator = ",", max_items: most = DEFAULT_MAX_ITEMS } = column;
  const read = READERS[items.type]({ name: column.name, ...items }, locale);
  return (text) => {
    const cells = text.split(separator);
    if (cells.length > most)
      return new Problem("too_many_items", `has ${cells.length} items; at most ${most} are allowed`);
    const values: string[] = [];
    for (const [index, cell] of cells.entries()) {
      const item = cell.trim();
      if (item === "")
        return new Problem("invalid_item", `has an empty item ${index + 1} between "${separator}"`);
      const value = read(item);
      if (value instanceof Problem)
        return new Problem(
          "invalid_item",
          `has a wrong item ${index + 1}: ${quoteCell(item)} ${value.message}`,
        );
      values.push(value);
    }
    return writeArray(values);
  };
}

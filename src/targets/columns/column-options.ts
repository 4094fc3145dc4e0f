/** The options that columns of a type can have, and those that they need. */
import type { ColumnDefinition, ColumnType } from "../definition/column.ts";

type Option = keyof ColumnDefinition;

const EVERY: readonly Option[] = [
  "name",
  "to",
  "label",
  "description",
  "type",
  "on_update",
  "database_type",
  "unique",
];
/** Of columns in files. */
const CELL: readonly Option[] = [
  ...EVERY,
  "aliases",
  "required",
  "default",
  "example",
  "transform",
  "empty_cell",
];
const TEXT: readonly Option[] = [...CELL, "min_length", "max_length", "pattern", "pattern_message"];
const NUMBER: readonly Option[] = [...CELL, "minimum", "maximum", "currency"];
const DATE: readonly Option[] = [...CELL, "minimum", "maximum", "formats", "two_digit_year_pivot"];

export const OPTIONS: Readonly<Record<ColumnType, readonly Option[]>> = {
  text: [...TEXT, "trim"],
  integer: NUMBER,
  decimal: [...NUMBER, "precision", "scale", "rounding"],
  boolean: CELL,
  date: DATE,
  timestamp: DATE,
  email: TEXT,
  url: TEXT,
  uuid: CELL,
  enum: [...CELL, "values"],
  json: [...CELL, "max_length"],
  array: [...CELL, "items", "separator", "max_items"],
  lookup: [...TEXT, "trim", "lookup"],
  computed: [...EVERY, "template", "transform", "max_length"],
  constant: [...EVERY, "value", "from"],
};

export const NEEDED: Readonly<Partial<Record<ColumnType, Option>>> = {
  enum: "values",
  array: "items",
  lookup: "lookup",
  computed: "template",
};

/** The columns of a definition as a target has them: for header matching, template files and GET /targets. */
import Type, { type TString } from "typebox";
import type { ColumnDefinition } from "../definition/column.ts";
import type { Definition } from "../definition/definition.ts";
import { bareName } from "../names.ts";
import type { Columns } from "../target.ts";
import { isCellColumn } from "./reader-of.ts";

export interface TargetColumns {
  readonly columns: Columns;
  readonly aliases: Readonly<Record<string, readonly string[]>>;
  readonly key?: readonly string[];
}

/** Computed and constant columns are not in files, so they are left out. The rules of cells are in `rowCheck`. */
export function columnsOf({ columns, key, example_rows = [] }: Definition): TargetColumns {
  const cells = columns.filter(isCellColumn);
  return {
    columns: Type.Object(
      Object.fromEntries(
        cells.map((column) => {
          const isKey = key?.columns.includes(column.name) ?? false;
          const example = column.example ?? example_rows.map((row) => row[column.name]).find((cell) => cell);
          return [column.name, ruleOf(column, isKey, example)];
        }),
      ),
    ),
    aliases: Object.fromEntries(
      cells
        .map((column) => [column.name, aliasesOf(column)] as const)
        .filter(([, aliases]) => aliases.length > 0),
    ),
    ...(key && { key: key.columns }),
  };
}

/** A column with a default is optional, as `target.ts` says. */
function ruleOf(column: ColumnDefinition, isKey: boolean, example: string | undefined): TString {
  const { required = false, min_length = 0, max_length } = column;
  const isRequired = required && column.default === undefined;
  const minLength = Math.max(min_length, required ? 1 : 0);
  return Type.String({
    description: describe(column, isKey),
    ...(example === undefined ? {} : { examples: [example] }),
    ...(minLength > 0 ? { minLength } : {}),
    ...(max_length === undefined ? {} : { maxLength: max_length }),
    ...(column.pattern === undefined ? {} : { pattern: column.pattern }),
    ...(isRequired ? {} : { default: String(column.default ?? "") }),
  });
}

function describe(column: ColumnDefinition, isKey: boolean): string {
  const { label, description, type, values = [], formats } = column;
  const words = values.slice(0, 20).map(({ value }) => value);
  const form =
    type === "enum"
      ? `One of: ${words.join(", ")}${values.length > words.length ? ", …" : ""}.`
      : `Type: ${type}${formats ? `, written as ${formats.join(" or ")}` : ""}.`;
  return [description ?? label, form, isKey ? "Identifies the record." : null]
    .filter((part) => part !== null && part !== undefined)
    .map((part) => (/[.!?]$/.test(part) ? part : `${part}.`))
    .join(" ");
}

/** The label is a name in files as well. */
function aliasesOf({ name, label, aliases = [] }: ColumnDefinition): string[] {
  const seen = new Set([bareName(name)]);
  return [...(label === undefined ? [] : [label]), ...aliases].filter((alias) => {
    const isNew = !seen.has(bareName(alias));
    seen.add(bareName(alias));
    return isNew;
  });
}

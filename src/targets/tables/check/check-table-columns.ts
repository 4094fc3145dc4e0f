/** Checks the columns of a definition against those of the table. */
import type { ColumnDefinition } from "../../definition/column.ts";
import type { Definition } from "../../definition/definition.ts";
import type { Category, ColumnFacts, TableFacts } from "../read/table-facts.ts";
import { tableName } from "../read/texts.ts";
import { add, type Found, type Use } from "./found-problems.ts";

export function checkColumns(definition: Definition, facts: TableFacts, use: Use, found: Found): void {
  const { columns } = definition;
  for (const [index, column] of columns.entries()) {
    const path = `columns.${index}`;
    const field = column.to === undefined ? `${path}.name` : `${path}.to`;
    const name = column.to ?? column.name;
    const own = facts.columns.find((each) => each.name === name);
    if (!own) {
      add(found, field, `${tableName(facts)} has no column ${name}.`);
      continue;
    }
    const refused = whyNotWritable(own, use, isUpdated(definition, column));
    if (refused) add(found, field, refused);
    checkType(column, own, path, found);
  }
  if (use.inserts) checkNotNull(columns, facts, found);
}

function isUpdated({ update, key }: Definition, { name, on_update }: ColumnDefinition): boolean {
  if (on_update === "never") return false;
  return update?.columns?.includes(name) ?? !key?.columns.includes(name);
}

function whyNotWritable(own: ColumnFacts, use: Use, isUpdated: boolean): string | null {
  const { name, identity, isGenerated, canInsert, canUpdate } = own;
  if (identity === "always")
    return `PostgreSQL numbers ${name} itself (GENERATED ALWAYS). Remove the column.`;
  if (isGenerated) return `PostgreSQL computes ${name}. Remove the column.`;
  if (use.inserts && !canInsert)
    return `the role may not insert ${name}. Grant INSERT (${name}), or remove the column.`;
  if (use.updates && isUpdated && !canUpdate)
    return `the role may not update ${name}. Grant UPDATE (${name}), or set \`on_update\` to never.`;
  return null;
}

/** The categories that the values of a type fit. All others, and texts, are converted by PostgreSQL. */
const FITTING: Readonly<Partial<Record<ColumnDefinition["type"], readonly Category[]>>> = {
  integer: ["integer", "decimal", "float"],
  decimal: ["decimal", "float"],
  boolean: ["boolean"],
  date: ["date", "timestamp"],
  timestamp: ["timestamp", "date"],
  uuid: ["uuid"],
  json: ["json"],
};

function checkType(column: ColumnDefinition, own: ColumnFacts, path: string, found: Found): void {
  const { type, database_type, items } = column;
  if (database_type !== undefined) return;
  if (type === "enum") checkValues(column, own, path, found);
  const isArray = type === "array";
  if (isArray !== own.isArray && (isArray || FITTING[type])) {
    add(
      found,
      `${path}.type`,
      `is ${type}, but ${own.name} is ${own.type}. ${isArray ? "Use another type." : "Use array."}`,
    );
    return;
  }
  const single = isArray ? items?.type : type;
  if (single === "date" && own.baseName === "timestamptz") {
    const field = isArray ? `${path}.items.type` : `${path}.type`;
    add(
      found,
      field,
      `is date, but ${own.name} is a moment: use timestamp, which knows the time zone of the locale.`,
    );
    return;
  }
  const fitting = single && FITTING[single];
  if (!fitting || own.category === "text" || own.category === "other" || fitting.includes(own.category))
    return;
  if (single === "decimal" && own.category === "integer" && column.scale === 0) return;
  add(
    found,
    isArray ? `${path}.items.type` : `${path}.type`,
    `is ${single}, but ${own.name} is ${own.type}.`,
  );
}

function checkValues(
  { values = [] }: ColumnDefinition,
  { enumValues, type, isArray }: ColumnFacts,
  path: string,
  found: Found,
): void {
  if (!enumValues || isArray) return;
  for (const [index, { value }] of values.entries()) {
    if (enumValues.includes(value)) continue;
    add(
      found,
      `${path}.values.${index}.value`,
      `is not a value of ${type}. Its values: ${enumValues.join(", ")}.`,
    );
  }
}

/** Every new record needs a value in these columns. */
function checkNotNull(columns: readonly ColumnDefinition[], facts: TableFacts, found: Found): void {
  for (const { name, isNotNull, hasDefault, isGenerated } of facts.columns) {
    if (!isNotNull || hasDefault || isGenerated) continue;
    const column = columns.find((each) => (each.to ?? each.name) === name);
    if (!column) add(found, "columns", `must contain ${name}: the table needs a value, and has no default.`);
    else if (
      !column.required &&
      column.default === undefined &&
      column.type !== "computed" &&
      column.type !== "constant"
    )
      found.notes.push(
        `Rows without a value of ${column.name} fail, because the table needs one. Make it required.`,
      );
  }
}

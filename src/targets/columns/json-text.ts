/** Writes the values of a row as JSON, without a loss: JavaScript would round long numbers. */
import type { ColumnDefinition, ColumnType } from "../definition/column.ts";
import type { Definition } from "../definition/definition.ts";
import type { Values } from "../target.ts";
import { readArray } from "./arrays.ts";

/**
 * Returns a function that writes a JSON object. Its keys are the names in the destination (`to`, or else `name`). Columns
 * without a value (undefined) are left out.
 */
export function jsonWriter(definition: Definition): (values: Values) => string {
  const columns = definition.columns.map((column) => ({
    name: column.name,
    key: JSON.stringify(column.to ?? column.name),
    write: writerOf(column),
  }));
  return (values) => {
    let text = "";
    for (const { name, key, write } of columns) {
      const value = values[name];
      if (value === undefined) continue;
      text += `${text === "" ? "" : ","}${key}:${value === null ? "null" : write(value)}`;
    }
    return `{${text}}`;
  };
}

/** Writes one row. To write many, use `jsonWriter`. */
export function toJsonText(definition: Definition, values: Values): string {
  return jsonWriter(definition)(values);
}

type Writer = (value: string) => string;

const asText: Writer = (value) => JSON.stringify(value);
const asIs: Writer = (value) => value;
const asBoolean: Writer = (value) => (value === "t" ? "true" : "false");

function writerOf({ type, items, from, value }: ColumnDefinition): Writer {
  if (type === "array") {
    const write = scalarWriter(items?.type ?? "text");
    return (literal) =>
      `[${readArray(literal)
        .map((item) => write(item))
        .join(",")}]`;
  }
  // A value that is a number or a boolean is written as the definition has it.
  if (type === "constant") {
    const isNumber = typeof value === "number" || from === "user.id" || from === "row.number";
    return isNumber || typeof value === "boolean" ? asIs : asText;
  }
  return scalarWriter(type);
}

function scalarWriter(type: ColumnType): Writer {
  switch (type) {
    case "integer":
    case "decimal":
    case "json":
      return asIs;
    case "boolean":
      return asBoolean;
    default:
      return asText;
  }
}

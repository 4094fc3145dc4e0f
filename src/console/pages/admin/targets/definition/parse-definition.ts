/** Reads the JSON of a definition as far as the form needs it. The API checks the rest. */
import { targetWords } from "../../../../words/targets.ts";
import type { Definition } from "./definition.ts";
import { jsonErrorAt } from "./json-error.ts";

const words = targetWords.editor;

export type Parsed = { readonly definition: Definition } | { readonly problem: string };

export function parseDefinition(text: string): Parsed {
  const place = jsonErrorAt(text);
  if (place) return { problem: words.jsonWrong(place.line, place.column) };
  const value: unknown = JSON.parse(text);
  return isDefinition(value) ? { definition: value } : { problem: words.jsonShape };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function isDefinition(value: unknown): value is Definition {
  if (!isObject(value) || !isObject(value.destination) || !Array.isArray(value.columns)) return false;
  const hasKind = ["table", "http", "records"].includes(String(value.destination.type));
  const isColumn = (column: unknown) =>
    isObject(column) && typeof column.name === "string" && typeof column.type === "string";
  return hasKind && value.columns.every(isColumn);
}

export function formatDefinition(definition: Definition): string {
  return JSON.stringify(definition, null, 2);
}

/** Checks the columns of a definition and everything that names them, beyond what the JSON Schema says. */
import type { FieldErrors } from "../../errors.ts";
import type { ColumnDefinition } from "../definition/column.ts";
import type { Definition } from "../definition/definition.ts";
import { bareName } from "../names.ts";
import { checkColumn } from "./check-column.ts";
import { checkLocale } from "./check-locale.ts";
import { checkRuleDefinitions } from "./check-rule-definitions.ts";
import { FoundProblems } from "./found-problems.ts";
import { resolveLocale } from "./locales.ts";
import { isCellColumn } from "./reader-of.ts";
import { parseTemplate } from "./templates.ts";

/** @returns the problems by path, such as `columns.3.pattern`; none: `rowCheck` can compile the definition */
export function checkColumns(definition: Definition): FieldErrors {
  const found = new FoundProblems();
  found.addAll(checkLocale(definition.locale, "locale"));
  // Columns are checked in a sound locale.
  const isSound = Object.keys(found.errors).length === 0;
  const locale = resolveLocale(isSound ? definition.locale : undefined);
  for (const [index, column] of definition.columns.entries())
    checkColumn(column, `columns.${index}`, locale, found);
  checkNames(definition.columns, found);
  checkTemplates(definition.columns, found);
  checkKey(definition, found);
  checkUpdate(definition, found);
  checkExampleRows(definition, found);
  checkRuleDefinitions(definition, locale, found);
  const { mode } = definition;
  if (mode && !mode.allowed.includes(mode.default))
    found.add("mode.default", `${mode.default} is not one of \`mode.allowed\`: ${mode.allowed.join(", ")}.`);
  return found.errors;
}

/** Two columns must not match the same name of a file, as `matchHeader` compares names, nor have the same destination. */
function checkNames(columns: readonly ColumnDefinition[], found: FoundProblems): void {
  const owners = new Map<string, number>();
  const destinations = new Map<string, number>();
  const names = new Map<string, number>();
  for (const [index, column] of columns.entries()) {
    const path = `columns.${index}`;
    const destination = column.to ?? column.name;
    const sameName = names.get(column.name);
    const sameDestination = destinations.get(destination);
    if (sameName !== undefined)
      found.add(`${path}.name`, `"${column.name}" is the name of columns.${sameName} as well.`);
    else if (sameDestination !== undefined)
      found.add(
        `${path}.${column.to === undefined ? "name" : "to"}`,
        `"${destination}" is written by columns.${sameDestination} as well.`,
      );
    names.set(column.name, index);
    destinations.set(destination, index);
    if (!isCellColumn(column)) continue;
    for (const { field, name } of fileNames(column)) {
      const owner = owners.get(bareName(name));
      if (owner !== undefined && owner !== index && sameName === undefined)
        found.add(
          `${path}.${field}`,
          `"${name}" looks like a name of columns.${owner} ("${columns[owner]?.name}"). A file could not tell them apart.`,
        );
      else owners.set(bareName(name), index);
    }
  }
}

/** The names of a column in files. */
function fileNames({ name, label, aliases = [] }: ColumnDefinition): { field: string; name: string }[] {
  return [
    { field: "name", name },
    ...(label === undefined ? [] : [{ field: "label", name: label }]),
    ...aliases.map((alias, index) => ({ field: `aliases.${index}`, name: alias })),
  ];
}

function checkTemplates(columns: readonly ColumnDefinition[], found: FoundProblems): void {
  const types = new Map(columns.map(({ name, type }) => [name, type]));
  for (const [index, { type, template }] of columns.entries()) {
    if (type !== "computed" || template === undefined) continue;
    const path = `columns.${index}.template`;
    const parts = parseTemplate(template);
    const named = parts.flatMap((part) => ("column" in part ? [part.column] : []));
    if (named.length === 0)
      found.add(path, "names no column. Write a column as {{name}}, or use the type constant.");
    if (parts.some((part) => "text" in part && /\{\{|\}\}/.test(part.text)))
      found.add(path, "has brackets that are not closed. Write a column as {{name}}.");
    for (const name of new Set(named)) {
      const other = types.get(name);
      if (other === undefined) found.add(path, unknownColumn(name, columns));
      if (other === "computed") found.add(path, `names "${name}", which is computed itself.`);
    }
  }
}

function unknownColumn(name: string, columns: readonly ColumnDefinition[]): string {
  const known = columns.map((column) => column.name).join(", ");
  return `has no column "${name}". The columns: ${known.length > 500 ? `${known.slice(0, 500)}…` : known}.`;
}

/** Checks a list of names of columns, and returns their definitions. */
function checkList(
  names: readonly string[],
  path: string,
  columns: readonly ColumnDefinition[],
  found: FoundProblems,
): ColumnDefinition[] {
  return names.flatMap((name, index) => {
    if (names.indexOf(name) !== index) found.add(`${path}.${index}`, `"${name}" is there twice.`);
    const column = columns.find((candidate) => candidate.name === name);
    if (!column) found.add(`${path}.${index}`, unknownColumn(name, columns));
    return column ?? [];
  });
}

function checkKey({ key, columns }: Definition, found: FoundProblems): void {
  if (!key) return;
  for (const { name, type } of checkList(key.columns, "key.columns", columns, found)) {
    if (type === "json" || type === "array")
      found.add("key.columns", `"${name}" has the type ${type}, which cannot identify records.`);
  }
}

function checkUpdate({ update, key, columns }: Definition, found: FoundProblems): void {
  if (!update?.columns) return;
  for (const { name, on_update } of checkList(update.columns, "update.columns", columns, found)) {
    if (key?.columns.includes(name))
      found.add("update.columns", `"${name}" identifies the record, so updates cannot write it.`);
    if (on_update === "never") found.add("update.columns", `"${name}" has \`on_update\`: never.`);
  }
}

function checkExampleRows({ example_rows = [], columns }: Definition, found: FoundProblems): void {
  const cells = columns.filter(isCellColumn);
  for (const [index, row] of example_rows.entries()) {
    for (const name of Object.keys(row)) {
      if (!cells.some((column) => column.name === name))
        found.add(`example_rows.${index}.${name}`, unknownColumn(name, cells));
    }
  }
}

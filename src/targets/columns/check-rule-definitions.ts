/** Checks the rules of a definition: the columns that they name, and the values that they compare with. */
import type { ColumnDefinition } from "../definition/column.ts";
import type { Definition } from "../definition/definition.ts";
import type { RowRule } from "../definition/rule.ts";
import { readOwnValue } from "./defaults.ts";
import type { FoundProblems } from "./found-problems.ts";
import type { ResolvedLocale } from "./locales.ts";
import { Problem, quoteCell } from "./problem.ts";
import { isCellColumn } from "./reader-of.ts";

export function checkRuleDefinitions(
  { rules = [], columns }: Definition,
  locale: ResolvedLocale,
  found: FoundProblems,
): void {
  const byName = new Map(columns.map((column) => [column.name, column]));
  for (const [index, rule] of rules.entries()) {
    const path = `rules.${index}`;
    if (rules.findIndex(({ name }) => name === rule.name) !== index)
      found.add(`${path}.name`, `"${rule.name}" is the name of another rule.`);
    if (!rule.require && !rule.require_one && !rule.forbid && !rule.compare)
      found.add(path, "needs `require`, `require_one`, `forbid` or `compare`.");
    for (const [place, name] of placesOf(rule)) {
      if (!byName.has(name)) found.add(`${path}.${place}`, `has no column "${name}".`);
    }
    checkConditions(rule, path, byName, locale, found);
    checkComparison(rule, path, byName, found);
  }
}

function placesOf(rule: RowRule): (readonly [place: string, name: string])[] {
  const lists = (["require", "require_one", "forbid"] as const).flatMap((field) =>
    (rule[field] ?? []).map((name, index) => [`${field}.${index}`, name] as const),
  );
  const sides = (["left", "right"] as const).flatMap((side) =>
    rule.compare ? [[`compare.${side}`, rule.compare[side]] as const] : [],
  );
  return [...Object.keys(rule.if ?? {}).map((name) => [`if.${name}`, name] as const), ...lists, ...sides];
}

function checkConditions(
  rule: RowRule,
  path: string,
  columns: ReadonlyMap<string, ColumnDefinition>,
  locale: ResolvedLocale,
  found: FoundProblems,
): void {
  for (const [name, condition] of Object.entries(rule.if ?? {})) {
    const column = columns.get(name);
    if (!column || !isCellColumn(column) || condition === null) continue;
    for (const value of Array.isArray(condition) ? condition : [condition]) {
      const read = readOwnValue(column, value, locale);
      if (read instanceof Problem)
        found.add(`${path}.if.${name}`, `${quoteCell(String(value))} ${read.message}.`);
    }
  }
}

const UNORDERED = new Set(["json", "array", "boolean"]);

function checkComparison(
  { compare }: RowRule,
  path: string,
  columns: ReadonlyMap<string, ColumnDefinition>,
  found: FoundProblems,
): void {
  const [left, right] = [columns.get(compare?.left ?? ""), columns.get(compare?.right ?? "")];
  if (!compare || !left || !right) return;
  const isNumber = ({ type }: ColumnDefinition) => type === "integer" || type === "decimal";
  if (left.type !== right.type && !(isNumber(left) && isNumber(right)))
    found.add(
      `${path}.compare`,
      `"${left.name}" (${left.type}) and "${right.name}" (${right.type}) have different types.`,
    );
  else if (UNORDERED.has(left.type) && compare.operator !== "=" && compare.operator !== "<>")
    found.add(`${path}.compare.operator`, `columns of the type ${left.type} have no order. Use = or <>.`);
}

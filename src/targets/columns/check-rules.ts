/** Checks the rules of a definition about several columns of a row. */
import type { Static } from "typebox";
import type { RowError } from "../../schema/batches.ts";
import type { ColumnDefinition } from "../definition/column.ts";
import type { Definition } from "../definition/definition.ts";
import type { Condition, RowRule } from "../definition/rule.ts";
import type { Values } from "../target.ts";
import { compareDecimals, plainDecimal } from "./decimals.ts";
import { readOwnValue } from "./defaults.ts";
import { foldWord, type ResolvedLocale, resolveLocale } from "./locales.ts";
import { Problem, quoteCell } from "./problem.ts";
import { instantOf } from "./read-date.ts";
import { isCellColumn } from "./reader-of.ts";

/** @param failed columns that have an error already: rules about them say nothing */
export type RuleCheck = (values: Values, failed: ReadonlySet<string>) => RowError[];

interface Scope {
  readonly columns: ReadonlyMap<string, ColumnDefinition>;
  readonly labels: ReadonlyMap<string, string>;
  readonly locale: ResolvedLocale;
  /** Whether an undefined value may be the one of an existing record. */
  readonly mayUpdate: boolean;
}

/** @param locale of the definition */
export function ruleChecks(
  definition: Definition,
  labels: ReadonlyMap<string, string>,
  locale: ResolvedLocale,
  mayUpdate: boolean,
): RuleCheck | null {
  if (!definition.rules || definition.rules.length === 0) return null;
  const columns = new Map(definition.columns.map((column) => [column.name, column]));
  const scope: Scope = { columns, labels, locale, mayUpdate };
  const checks = definition.rules.map((rule) => ({ names: namesOf(rule), check: compileRule(rule, scope) }));
  return (values, failed) =>
    checks.flatMap(({ names, check }) =>
      names.some((name) => failed.has(name)) ? [] : (check(values) ?? []),
    );
}

/**
 * The rules for a record that `upsert` creates. `rowCheck` leaves out rules about columns without a value there, because an
 * existing record may have one.
 */
export function newRecordCheck(definition: Definition): (values: Values) => RowError[] {
  const labels = new Map(definition.columns.map(({ name, label }) => [name, label ?? name]));
  const check = ruleChecks(definition, labels, resolveLocale(definition.locale), false);
  return (values) => check?.(values, new Set()) ?? [];
}

/** All columns that a rule is about. */
function namesOf(rule: RowRule): string[] {
  return [
    ...Object.keys(rule.if ?? {}),
    ...(rule.require ?? []),
    ...(rule.require_one ?? []),
    ...(rule.forbid ?? []),
    ...(rule.compare ? [rule.compare.left, rule.compare.right] : []),
  ];
}

function compileRule(rule: RowRule, scope: Scope): (values: Values) => RowError | null {
  const conditions = Object.entries(rule.if ?? {}).map(([name, condition]) => ({
    name,
    fits: compileCondition(scope.columns.get(name), condition, scope),
  }));
  const { require = [], require_one = [], forbid = [], compare } = rule;
  const isEmpty = (value: string | null | undefined) =>
    value === null || (value === undefined && !scope.mayUpdate);
  const isGiven = (value: string | null | undefined) => typeof value === "string";
  const fail = (values: Values, names: readonly string[]): RowError => {
    const facts = [...new Set([...names, ...conditions.map(({ name }) => name)])].map((name) => {
      const value = values[name];
      const label = scope.labels.get(name) ?? name;
      return typeof value === "string" ? `${label} is ${quoteCell(value)}` : `${label} is empty`;
    });
    const message = `${rule.message} (${facts.join(", ")})`;
    return { column: names[0] ?? null, code: rule.name, message };
  };
  const comparison = compare && compileComparison(compare, scope);
  return (values) => {
    if (!conditions.every(({ name, fits }) => fits(values[name]))) return null;
    const missing = require.find((name) => isEmpty(values[name]));
    if (missing !== undefined) return fail(values, [missing]);
    if (require_one.length > 0 && require_one.every((name) => isEmpty(values[name])))
      return fail(values, require_one);
    const forbidden = forbid.find((name) => isGiven(values[name]));
    if (forbidden !== undefined) return fail(values, [forbidden]);
    if (compare && comparison && !comparison(values[compare.left], values[compare.right]))
      return fail(values, [compare.left, compare.right]);
    return null;
  };
}

type ConditionCheck = (value: string | null | undefined) => boolean;

function compileCondition(
  column: ColumnDefinition | undefined,
  condition: Static<typeof Condition>,
  scope: Scope,
): ConditionCheck {
  if (condition === null) return (value) => value === null || (value === undefined && !scope.mayUpdate);
  const normalize = normalizer(column);
  const wanted = new Set(
    (Array.isArray(condition) ? condition : [condition]).flatMap((item) => {
      const value = column && isCellColumn(column) ? readOwnValue(column, item, scope.locale) : String(item);
      return value instanceof Problem ? [] : [normalize(value)];
    }),
  );
  return (value) => typeof value === "string" && wanted.has(normalize(value));
}

/** Equal values of a column become equal texts. */
function normalizer(column: ColumnDefinition | undefined): (value: string) => string {
  switch (column?.type) {
    case "decimal":
    case "integer":
      return plainDecimal;
    case "timestamp":
      return (value) => String(instantOf(value));
    case "lookup":
      return column.lookup?.ignore_case ? foldWord : (value) => value;
    default:
      return (value) => value;
  }
}

const OPERATORS = {
  "<": (order: number) => order < 0,
  "<=": (order: number) => order <= 0,
  "=": (order: number) => order === 0,
  "<>": (order: number) => order !== 0,
  ">=": (order: number) => order >= 0,
  ">": (order: number) => order > 0,
} as const;

/** Columns without a value compare as they must. */
function compileComparison(
  { left, operator }: NonNullable<RowRule["compare"]>,
  { columns }: Scope,
): (left: string | null | undefined, right: string | null | undefined) => boolean {
  const order = comparer(columns.get(left));
  const holds = OPERATORS[operator];
  return (a, b) => typeof a !== "string" || typeof b !== "string" || holds(order(a, b));
}

function comparer(column: ColumnDefinition | undefined): (left: string, right: string) => number {
  switch (column?.type) {
    case "integer":
    case "decimal":
      return compareDecimals;
    case "timestamp":
      return (left, right) => Number(instantOf(left) - instantOf(right));
    default:
      return (left, right) => (left === right ? 0 : left < right ? -1 : 1);
  }
}

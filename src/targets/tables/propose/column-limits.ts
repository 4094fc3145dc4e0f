/** Limits of a column that its type and its CHECK constraints set, as a definition has them. */
import type { ColumnDefinition } from "../../definition/column.ts";
import { readCheckForms } from "../read/check-forms.ts";
import type { CheckForm, ColumnFacts, TableFacts } from "../read/table-facts.ts";

type Limits = Pick<
  ColumnDefinition,
  "minimum" | "maximum" | "min_length" | "max_length" | "pattern" | "values" | "precision" | "scale"
>;

/** Lists the simple conditions on a column, of the table and of its domain. */
export function formsFor({ checks }: TableFacts, { name, domain }: ColumnFacts): CheckForm[] {
  const ofTable = checks.flatMap(({ forms }) => forms).filter((form) => form.column === name);
  const ofDomain = (domain?.checks ?? []).flatMap(({ text }) => readCheckForms(text.replace(/^CHECK /, "")));
  return [...ofTable, ...ofDomain.filter((form) => /^value$/i.test(form.column))];
}

/** Proposes the limits of a number from its type and the CHECK constraints of its column. */
export function numberLimits(
  { baseName, category, precision, scale }: ColumnFacts,
  forms: readonly CheckForm[],
): Limits {
  const [least, greatest] = integerRange(baseName);
  const limits = forms.flatMap((form) => limitOf(form, category === "integer"));
  const minimum = extreme(
    [least, ...limits.filter(({ side }) => side === "minimum").map(({ value }) => value)],
    1,
  );
  const maximum = extreme(
    [greatest, ...limits.filter(({ side }) => side === "maximum").map(({ value }) => value)],
    -1,
  );
  const hasDigits = precision !== null && scale !== null && scale >= 0 && scale <= precision;
  return {
    ...(minimum === undefined ? {} : { minimum: plain(minimum) }),
    ...(maximum === undefined ? {} : { maximum: plain(maximum) }),
    ...(hasDigits ? { precision, scale } : {}),
  };
}

/** The bits of the numbers, without their sign. */
const BITS: Readonly<Record<string, bigint>> = { int2: 15n, int4: 31n, int8: 63n };

function integerRange(baseName: string): readonly [least?: string, greatest?: string] {
  const bits = BITS[baseName];
  return bits === undefined ? [] : [String(-(2n ** bits)), String(2n ** bits - 1n)];
}

const NUMBER = /^-?\d+(\.\d+)?$/;

function limitOf(form: CheckForm, isInteger: boolean): { side: "minimum" | "maximum"; value: string }[] {
  if (!("value" in form) || !NUMBER.test(form.value)) return [];
  const isWhole = /^-?\d+$/.test(form.value);
  switch (form.kind) {
    case "minimum":
    case "maximum":
      return isInteger && !isWhole ? [] : [{ side: form.kind, value: form.value }];
    // A definition has no limit that excludes its value.
    case "above":
      return isInteger && isWhole ? [{ side: "minimum", value: String(BigInt(form.value) + 1n) }] : [];
    case "below":
      return isInteger && isWhole ? [{ side: "maximum", value: String(BigInt(form.value) - 1n) }] : [];
    default:
      return [];
  }
}

/** @param sign 1: the greatest number, -1: the least */
function extreme(numbers: readonly (string | undefined)[], sign: 1 | -1): string | undefined {
  const known = numbers.filter((number) => number !== undefined);
  return known.reduce<string | undefined>(
    (found, number) => (found === undefined || compare(number, found) * sign > 0 ? number : found),
    undefined,
  );
}

/** Long integers are compared exactly. */
function compare(left: string, right: string): number {
  const [a, b] = [left, right].map((text) => (text.includes(".") ? Number(text) : BigInt(text)));
  if (a === undefined || b === undefined || a === b) return 0;
  return a < b ? -1 : 1;
}

/** JSON has no exact long integers. */
function plain(number: string): number | string {
  return String(Number(number)) === number ? Number(number) : number;
}

const DATE = /^\d{4}-\d\d-\d\d$/;

/** @param isDate timestamps have a time zone or not, so that their limits are left to the database */
export function dateLimits(forms: readonly CheckForm[], isDate: boolean): Limits {
  const limits: Limits = {};
  for (const form of forms) {
    if (!isDate || (form.kind !== "minimum" && form.kind !== "maximum")) continue;
    const value = form.value === "CURRENT_DATE" ? "today" : form.value;
    if (value === "today" || DATE.test(value)) limits[form.kind] = value;
  }
  return limits;
}

/** Proposes the limits of a text from its type and the CHECK constraints of its column. */
export function textLimits({ maxLength }: ColumnFacts, forms: readonly CheckForm[]): Limits {
  const least = forms.flatMap((form) => (form.kind === "min_length" ? [form.length] : []));
  const greatest = forms.flatMap((form) => (form.kind === "max_length" ? [form.length] : []));
  const min_length = Math.max(0, ...least);
  const max_length = Math.min(...greatest, maxLength ?? Number.POSITIVE_INFINITY);
  const pattern = forms.find((form) => form.kind === "pattern")?.pattern;
  return {
    ...(min_length > 0 ? { min_length } : {}),
    ...(max_length >= 1 && Number.isFinite(max_length) ? { max_length } : {}),
    ...(pattern !== undefined && isPortable(pattern) ? { pattern } : {}),
  };
}

/** Whether the expression means the same to PostgreSQL and to RE2. */
function isPortable(pattern: string): boolean {
  return pattern.length <= 500 && !/\[\[|\(\?|\*\*\*|\\[^dws.\\/()[\]{}|^$*+?-]/.test(pattern);
}

const MAX_VALUES = 1000;
const MAX_VALUE_LENGTH = 200;

/** The values of an enum, or those that a CHECK lists. */
export function valuesOf(
  { enumValues, category }: ColumnFacts,
  forms: readonly CheckForm[],
): string[] | null {
  const listed = category === "text" ? forms.find((form) => form.kind === "values")?.values : undefined;
  const values = [...new Set(enumValues ?? listed ?? [])];
  // Cells match in any case.
  const areDistinct = new Set(values.map((value) => value.toLowerCase())).size === values.length;
  const isFitting = values.every((value) => value.trim() !== "" && value.length <= MAX_VALUE_LENGTH);
  return values.length > 0 && values.length <= MAX_VALUES && areDistinct && isFitting ? values : null;
}

import { type Expression, parseExpression } from "./sql-expression.ts";
import type { CheckForm } from "./table-facts.ts";

/**
 * Returns the simple conditions on single columns that a CHECK constraint contains. The constraint may say more.
 * @param text as PostgreSQL prints it, for example `((credit >= (0)::numeric) AND (tier = ANY (ARRAY['a'::text, 'b'::text])))`
 */
export function readCheckForms(text: string): CheckForm[] {
  const expression = parseExpression(text);
  return expression ? formsOf(expression) : [];
}

/** @returns the conditions that hold whenever the expression is not false */
function formsOf(expression: Expression): CheckForm[] {
  switch (expression.kind) {
    case "all":
      return expression.parts.flatMap(formsOf);
    case "any":
      return formsUnlessNull(expression.parts);
    case "null_test":
      return expression.operand.kind === "column" && !expression.isNull
        ? [{ kind: "not_null", column: expression.operand.name }]
        : [];
    case "operation": {
      const { operator, left, right } = expression;
      return comparison(left, operator, right) ?? comparison(right, FLIPPED[operator] ?? "", left) ?? [];
    }
    default:
      return [];
  }
}

const FLIPPED: Readonly<Record<string, string>> = {
  "<": ">",
  "<=": ">=",
  "=": "=",
  "<>": "<>",
  ">=": "<=",
  ">": "<",
};

/** `x IS NULL OR x > 0` says no more than `x > 0`, which null satisfies as well. */
function formsUnlessNull(parts: readonly Expression[]): CheckForm[] {
  const isNullTest = (part: Expression) => part.kind === "null_test" && part.isNull;
  const nullable = parts.flatMap((part) =>
    part.kind === "null_test" && part.isNull && part.operand.kind === "column" ? [part.operand.name] : [],
  );
  const [rest, ...more] = parts.filter((part) => !isNullTest(part));
  const [column, ...others] = new Set(nullable);
  if (!rest || more.length > 0 || column === undefined || others.length > 0) return [];
  const forms = formsOf(rest);
  return forms.every((form) => form.column === column && form.kind !== "not_null") ? forms : [];
}

function comparison(left: Expression, operator: string, right: Expression): CheckForm[] | null {
  if (left.kind === "column") return columnForm(left.name, operator, right);
  if (left.kind !== "call" || !LENGTHS.has(left.name) || right.kind !== "constant") return null;
  const [argument, ...others] = left.args;
  const length = Number(right.value);
  if (argument?.kind !== "column" || others.length > 0 || !Number.isSafeInteger(length)) return null;
  return lengthForms(argument.name, operator, length);
}

const LENGTHS = new Set(["length", "char_length", "character_length"]);

const LIMITS: Readonly<Record<string, "minimum" | "maximum" | "above" | "below">> = {
  ">=": "minimum",
  "<=": "maximum",
  ">": "above",
  "<": "below",
};

function columnForm(column: string, operator: string, right: Expression): CheckForm[] | null {
  if (operator === "=" && right.kind === "call" && right.name === "any") {
    const [list, ...others] = right.args;
    if (list?.kind !== "list" || others.length > 0) return null;
    const values = list.items.flatMap((item) => (item.kind === "constant" ? [item.value] : []));
    return values.length === list.items.length ? [{ kind: "values", column, values }] : null;
  }
  if (right.kind !== "constant") return null;
  const { value } = right;
  const limit = LIMITS[operator];
  if (limit) return [{ kind: limit, column, value }];
  if (operator === "=")
    return value === "CURRENT_DATE" ? null : [{ kind: "values", column, values: [value] }];
  if (operator === "~") return [{ kind: "pattern", column, pattern: value }];
  return operator === "<>" && value === "" ? [{ kind: "min_length", column, length: 1 }] : null;
}

function lengthForms(column: string, operator: string, length: number): CheckForm[] | null {
  switch (operator) {
    case ">=":
      return [{ kind: "min_length", column, length }];
    case ">":
      return [{ kind: "min_length", column, length: length + 1 }];
    case "<=":
      return [{ kind: "max_length", column, length }];
    case "<":
      return [{ kind: "max_length", column, length: length - 1 }];
    case "=":
      return [
        { kind: "min_length", column, length },
        { kind: "max_length", column, length },
      ];
    default:
      return null;
  }
}

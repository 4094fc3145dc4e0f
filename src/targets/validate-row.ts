/** Checks the cells of a row against its target's rules, in words that the person with the spreadsheet understands. */
import type { Static } from "typebox";
import { Compile } from "typebox/compile";
import type { RowError } from "../schema/batches.ts";
import type { Columns, Target } from "./target.ts";

export type ValidatedRow<C extends Columns> = { values: Static<C> } | { errors: RowError[] };

/** A rule broken, as TypeBox reports it. */
type Broken = { keyword: string; params: object; message: string };

/**
 * Makes the check for a target and a mapping: compiled once, run a row. Cells are trimmed; a column that the file
 * does not have, or a row too short to have it, gets the column's default, or is empty.
 */
export function rowValidator<C extends Columns>(
  target: Target<C>,
  mapping: Readonly<Record<string, number>>,
) {
  const rules = Compile(target.columns);
  const columns = Object.entries(target.columns.properties).map(([name, rule]) => ({
    name,
    position: mapping[name] ?? -1,
    whenMissing: "default" in rule ? String(rule.default) : "",
  }));
  const meanings = new Map(
    Object.entries(target.columns.properties).map(([name, rule]) => [name, descriptionOf(rule)]),
  );
  return (fields: readonly string[]): ValidatedRow<C> => {
    const values: Record<string, string> = {};
    const errors: RowError[] = [];
    for (const { name, position, whenMissing } of columns) {
      const cell = fields[position]?.trim() ?? whenMissing;
      values[name] = cell;
      const unusable = unusableCharacter(cell);
      if (unusable)
        errors.push({ column: name, code: unusable.code, message: `${name} ${unusable.message}` });
    }
    if (errors.length === 0 && rules.Check(values)) return { values };
    for (const broken of rules.Errors(values)) {
      const column = broken.instancePath.slice(1);
      errors.push({ column, ...describe(column, values[column] ?? "", broken, meanings.get(column)) });
    }
    return { errors };
  };
}

/** Characters that mark damage, or that PostgreSQL's text can't hold. */
function unusableCharacter(cell: string): { code: string; message: string } | null {
  if (cell.includes("\uFFFD")) {
    return {
      code: "invalid_encoding",
      message: "has bytes that are not UTF-8 (shown as \uFFFD); save the file as UTF-8",
    };
  }
  if (cell.includes("\0")) {
    return {
      code: "invalid_character",
      message: "has a NUL character (U+0000), which can't be stored; remove it",
    };
  }
  return null;
}

function descriptionOf(rule: object): string | undefined {
  return "description" in rule ? String(rule.description) : undefined;
}

/** @param meaning what the column is, in words that follow "must be" */
function describe(
  column: string,
  cell: string,
  broken: Broken,
  meaning: string | undefined,
): { code: string; message: string } {
  const limit = "limit" in broken.params ? Number(broken.params.limit) : 0;
  switch (broken.keyword) {
    case "minLength":
      return limit === 1
        ? { code: "required", message: `${column} is required` }
        : {
            code: "too_short",
            message: `${column} has ${[...cell].length} characters; at least ${limit} are required`,
          };
    case "maxLength":
      return {
        code: "too_long",
        message: `${column} has ${[...cell].length} characters; at most ${limit} are allowed`,
      };
    case "pattern":
      return { code: "invalid", message: `${column} ${meaning ? `must be ${meaning}` : broken.message}` };
    default:
      return { code: "invalid", message: `${column} ${broken.message}` };
  }
}

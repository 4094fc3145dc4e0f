/** Checks the cells of a row against the rules of its target. The messages are for people who edit the spreadsheet. */
import type { Static } from "typebox";
import { Compile } from "typebox/compile";
import type { RowError } from "../schema/batches.ts";
import type { Columns, Target } from "./target.ts";

export type ValidatedRow<C extends Columns> = { values: Static<C> } | { errors: RowError[] };

/** A broken rule as TypeBox reports it. */
type BrokenRule = { keyword: string; params: object; message: string };

/**
 * Compiles the rules of a target for a mapping, and returns the function that checks a row. It trims cells. If the file
 * does not have a column or the row is too short, the cell is the default of the column, or empty. Cells of the key are
 * composed (NFC), so that two spellings of the same letters are one record.
 */
export function rowValidator<C extends Columns>(
  target: Target<C>,
  mapping: Readonly<Record<string, number>>,
) {
  const rules = Compile(target.columns);
  const columns = Object.entries(target.columns.properties).map(([name, rule]) => ({
    name,
    position: mapping[name] ?? -1,
    isKey: (target.key ?? []).includes(name),
    whenMissing: "default" in rule ? String(rule.default) : "",
  }));
  const descriptions = new Map(
    Object.entries(target.columns.properties).map(([name, rule]) => [name, descriptionOf(rule)]),
  );
  return (fields: readonly string[]): ValidatedRow<C> => {
    const values: Record<string, string> = {};
    const errors: RowError[] = [];
    for (const { name, position, isKey, whenMissing } of columns) {
      const text = fields[position]?.trim() ?? whenMissing;
      const cell = isKey ? text.normalize("NFC") : text;
      values[name] = cell;
      const unusable = unusableCharacter(cell);
      if (unusable)
        errors.push({ column: name, code: unusable.code, message: `${name} ${unusable.message}` });
    }
    if (errors.length === 0 && rules.Check(values)) return { values };
    for (const broken of rules.Errors(values)) {
      const column = broken.instancePath.slice(1);
      errors.push({ column, ...explain(column, values[column] ?? "", broken, descriptions.get(column)) });
    }
    return { errors };
  };
}

/** Finds U+FFFD, which stands for bytes that could not be decoded, and NUL, which PostgreSQL cannot store. */
export function unusableCharacter(cell: string): { code: string; message: string } | null {
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

/** @param description of the column, in words that can follow "must be" */
function explain(
  column: string,
  cell: string,
  broken: BrokenRule,
  description: string | undefined,
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
      return {
        code: "invalid",
        message: `${column} ${description ? `must be ${description}` : broken.message}`,
      };
    default:
      return { code: "invalid", message: `${column} ${broken.message}` };
  }
}

/** Reads one cell by the rules of one column. */
import { checkColumns } from "../../src/targets/columns/check-columns.ts";
import { rowCheck } from "../../src/targets/columns/row-check.ts";
import type { ColumnDefinition } from "../../src/targets/definition/column.ts";
import type { Definition } from "../../src/targets/definition/definition.ts";
import type { Locale } from "../../src/targets/definition/locale.ts";

/** A column without its name, and the locale of its target. */
export type Cell = Omit<ColumnDefinition, "name"> & { readonly locale?: Locale };

export function definitionOf(
  columns: readonly ColumnDefinition[],
  rest: Partial<Definition> = {},
): Definition {
  return { destination: { type: "records" }, columns: [...columns], ...rest };
}

export type ReadCell =
  | { readonly value: string | null | undefined }
  | { readonly code: string; readonly message: string };

/** Reads a cell as an insert does. The label of the column is "Cell". */
export function readCell(cell: Cell, text: string): ReadCell {
  return cellReaderOf(cell)(text);
}

/** @throws if the definition of the column is wrong */
export function cellReaderOf({ locale = {}, ...column }: Cell): (text: string) => ReadCell {
  const definition = definitionOf([{ ...column, name: "cell", label: "Cell" }], { locale });
  const problems = Object.entries(checkColumns(definition));
  if (problems.length > 0) throw new Error(problems.join("; "));
  const check = rowCheck(definition, { id: "batch", userId: 1, mode: "insert", mapping: { cell: 0 } });
  return (text) => {
    const checked = check([text], 2);
    if ("values" in checked) return { value: checked.values.cell };
    const [error] = checked.errors;
    if (!error || checked.errors.length > 1) throw new Error("One column has one error.");
    return { code: error.code, message: error.message };
  };
}

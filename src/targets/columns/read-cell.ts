/** Reads the cell of one column of a row: whether it has a value, and which. */
import type { BatchMode, RowError } from "../../schema/batches.ts";
import { unusableCharacter } from "../validate-row.ts";
import { defaultOf } from "./defaults.ts";
import { foldWord, type ResolvedLocale } from "./locales.ts";
import { describeProblem, Problem, quoteCell } from "./problem.ts";
import { type CellColumn, readerOf } from "./reader-of.ts";
import { transformer } from "./transforms.ts";

export type CellValue = string | null | undefined | RowError;

export interface CellScope {
  /** The position in the file; -1: the file does not have the column. */
  readonly position: number;
  /** The name that people know. */
  readonly label: string;
  readonly mode: BatchMode;
  /** Of the upload. */
  readonly locale: ResolvedLocale;
  /** Of the definition. */
  readonly ownLocale: ResolvedLocale;
  readonly isKey: boolean;
  readonly emptyCell: "keep" | "null" | "default";
}

/** Whether rows may update records. */
export function mayUpdate(mode: BatchMode): boolean {
  return mode === "upsert" || mode === "update";
}

/** Returns the function that reads the cell among the fields of a row. */
export function cellReader(column: CellColumn, scope: CellScope): (fields: readonly string[]) => CellValue {
  const { position, label, locale, isKey } = scope;
  const transform = transformer(column.transform);
  const read = readerOf(column, locale);
  const isTrimmed = column.trim !== false;
  const whenAbsent = valueWhenAbsent(column, scope);
  const whenEmpty = valueWhenEmpty(column, scope);
  const whenNull = (cell: string) =>
    column.required || isKey ? required(column, label, `; ${quoteCell(cell)} stands for no value`) : null;
  const { nulls } = locale;
  const longestNull = Math.max(0, ...[...nulls].map((word) => word.length));
  const isNull = (cell: string) =>
    cell.length <= longestNull && (nulls.has(cell) || nulls.has(foldWord(cell)));
  return (fields) => {
    const cell = fields[position];
    if (cell === undefined) return whenAbsent;
    let text = isTrimmed ? cell.trim() : cell;
    if (text === "") return whenEmpty;
    if (longestNull > 0 && isNull(text)) return whenNull(text);
    const unusable = unusableCharacter(text);
    if (unusable)
      return { column: column.name, code: unusable.code, message: `${label} ${unusable.message}` };
    if (transform !== null) {
      const transformed = transform(text);
      if (transformed instanceof Problem) return describeProblem(column.name, label, cell, transformed);
      if (transformed === "") return whenEmpty;
      text = transformed;
    }
    // Two spellings of the same letters are one record.
    const value = read(isKey ? text.normalize("NFC") : text);
    return value instanceof Problem ? describeProblem(column.name, label, cell, value) : value;
  };
}

function required({ name }: CellColumn, label: string, reason = ""): RowError {
  return { column: name, code: "required", message: `${label} is required${reason}` };
}

/** The file does not have the column, or the row is too short. An existing record stays as it is. */
function valueWhenAbsent(column: CellColumn, { label, mode, ownLocale, isKey }: CellScope): CellValue {
  const ownDefault = defaultOf(column, ownLocale);
  const isMissing = column.required && ownDefault === undefined;
  if (mode === "update") return isKey ? required(column, label) : undefined;
  if (isMissing || (isKey && mode !== "insert" && mode !== "append")) return required(column, label);
  return mode === "upsert" ? undefined : ownDefault;
}

function valueWhenEmpty(column: CellColumn, scope: CellScope): CellValue {
  const { label, mode, locale, ownLocale, isKey, emptyCell } = scope;
  const boolean = column.type === "boolean" ? locale.booleans.get("") : undefined;
  if (boolean !== undefined) return boolean;
  const ownDefault = defaultOf(column, ownLocale);
  const isMissing = column.required && ownDefault === undefined;
  if (!mayUpdate(mode)) {
    return isMissing || (isKey && mode === "skip_existing") ? required(column, label) : ownDefault;
  }
  if (isKey) return required(column, label);
  if (emptyCell === "keep") return isMissing && mode === "upsert" ? required(column, label) : undefined;
  if (isMissing) return required(column, label);
  if (emptyCell === "default" || column.required) return ownDefault ?? null;
  return null;
}

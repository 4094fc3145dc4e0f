/** Problems of cells, in words that follow the name of the column and the cell. */
import type { RowError } from "../../schema/batches.ts";
import { visible } from "../names.ts";

export class Problem {
  readonly code: string;
  /** Follows the cell: `Born "31.02.1985" is not a date: February 1985 has 28 days`. */
  readonly message: string;

  constructor(code: string, message: string) {
    this.code = code;
    this.message = message;
  }
}

/** Turns the text of a cell, which is not empty, into the text that PostgreSQL reads. */
export type Reader = (text: string) => string | Problem;

const SHOWN_CHARACTERS = 60;

/** Quotes a cell for a message: shortened, and with every character visible. */
export function quoteCell(cell: string): string {
  // A surrogate pair has two units, so twice the units always have enough characters.
  const characters = [...cell.slice(0, 2 * SHOWN_CHARACTERS + 2)];
  const shown =
    characters.length > SHOWN_CHARACTERS ? `${characters.slice(0, SHOWN_CHARACTERS).join("")}…` : cell;
  return `"${visible(shown)}"`;
}

/** @param label of the column, as people know it */
export function describeProblem(column: string, label: string, cell: string, problem: Problem): RowError {
  return { column, code: problem.code, message: `${label} ${quoteCell(cell)} ${problem.message}` };
}

export function countCharacters(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

const EXCEL_ERRORS = new Set([
  "#N/A",
  "#REF!",
  "#VALUE!",
  "#DIV/0!",
  "#NAME?",
  "#NUM!",
  "#NULL!",
  "#SPILL!",
  "#CALC!",
]);

/** Says more about a cell that is not of its type if a spreadsheet is the reason. */
export function spreadsheetHint(text: string): string | null {
  if (text.startsWith("#")) {
    if (EXCEL_ERRORS.has(text.toUpperCase()))
      return "it is an error value of a spreadsheet; correct its formula";
    if (/^#+$/.test(text))
      return "the column of the spreadsheet was too narrow; make it wider and export it again";
  }
  if (text.startsWith("'") && text.length > 1)
    return "remove the apostrophe, which marks text in spreadsheets";
  if (text.startsWith("=")) return "it is a formula; export values instead";
  return null;
}

/** Writes cells of CSV files that people open in a spreadsheet, which would run some cells as formulas. */
import Papa from "papaparse";

/**
 * A formula, possibly after apostrophes and characters that a spreadsheet skips: NUL and other control characters, blanks, and
 * characters without width. https://owasp.org/www-community/attacks/CSV_Injection
 */
const FORMULA = /^['[[\p{Cc}\p{Cf}\p{Z}\p{Default_Ignorable_Code_Point}]--[\t\r\n]]]*[=+\-@\t\r\n＝＋－＠]/v;
/** Numbers that begin like a formula: `-5`, `+3.2`, `-1,234.5`, `-.5`, `-1e-3`, `-12%`. */
const NUMBER = /^[ \u00A0]*[+-](?:\d[\d.,]*|\.\d+)(?:[eE][+-]?\d+)?%?$/;
/** Most cells begin with a letter or a digit and need no closer look. */
const HARMLESS = /^[0-9A-Za-z]/;

/**
 * Puts a `'` before cells that a spreadsheet would run as a formula: `=1+1` becomes `'=1+1`. Cells that look as if they had
 * one already get another, so that `undefuse` restores every cell.
 */
export function defuse(cell: string): string {
  if (HARMLESS.test(cell)) return cell;
  return FORMULA.test(cell) && !NUMBER.test(cell) ? `'${cell}` : cell;
}

/** Reverses `defuse`. */
export function undefuse(cell: string): string {
  return cell.startsWith("'") && FORMULA.test(cell.slice(1)) ? cell.slice(1) : cell;
}

/** Lines end with LF, which tools on all systems read. */
const FORMAT = { delimiter: ",", newline: "\n" } as const;

/** Returns records of a CSV file, quoted as in RFC 4180. */
export function csvRecords(records: readonly string[][]): string {
  return records.length === 0 ? "" : `${Papa.unparse([...records], FORMAT)}\n`;
}

/** Some readers drop a byte order mark, and blanks at the ends. */
const MUST_QUOTE = /[",\r\n\uFEFF]|^ | $/;

/** Returns the same text as `csvRecords` for one record, in less time: result files have millions of them. */
export function csvRecord(cells: readonly string[]): string {
  return `${cells.map((cell) => (MUST_QUOTE.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(",")}\n`;
}

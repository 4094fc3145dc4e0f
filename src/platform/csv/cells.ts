/** Cells of a CSV file that people open in a spreadsheet, which would run some of them as a formula. */

/** What begins a formula, behind marks that are there already. https://owasp.org/www-community/attacks/CSV_Injection */
const FORMULA = /^'*[=+\-@\t\r\n＝＋－＠]/;
const MARKED = /^'+[=+\-@\t\r\n＝＋－＠]/;
/** Begins like a formula and is none: `-5`, `+3.2`, `-1,234.5`, `-.5`, `-1e-3`, `-12%`. */
const NUMBER = /^[+-](?:\d[\d.,]*|\.\d+)(?:[eE][+-]?\d+)?%?$/;

/**
 * The cell with a `'` in front where a spreadsheet would run it: `=1+1` becomes `'=1+1`. One that looks as if it had
 * been through here gets one more, so that `undefuse` gives back every cell as it was.
 */
export function defuse(cell: string): string {
  return FORMULA.test(cell) && !NUMBER.test(cell) ? `'${cell}` : cell;
}

/** What `defuse` was given. */
export function undefuse(cell: string): string {
  return MARKED.test(cell) ? cell.slice(1) : cell;
}

const NEEDS_QUOTES = /[",\r\n]|^\s|\s$/;

/** One record of a CSV file as RFC 4180 quotes it, with its line end: LF, as tools on any system read it. */
export function csvRecord(cells: readonly string[]): string {
  let record = "";
  for (const [index, cell] of cells.entries()) {
    if (index > 0) record += ",";
    record += NEEDS_QUOTES.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
  }
  return `${record}\n`;
}

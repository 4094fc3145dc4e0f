/**
 * Writes the CSV lines of plain rows without reading their cells. A row is plain if nothing in it is quoted, changed or added: it
 * has a cell for each column, no error, and only cells that begin with a letter or a digit of ASCII.
 */
import { type RowText, UNIT } from "./result-rows.ts";

/** JSON escapes line breaks and quotes with a backslash. A cell that ends with a blank is quoted. */
const CELL = String.raw`(?:[0-9A-Za-z](?:[^",\\\uFEFF]*[^",\\\uFEFF ])?)?`;

/**
 * @param width the number of columns in the header
 * @returns a function that returns the line of a plain row, and null for any other row
 */
export function plainLines(width: number, hasExtra: boolean): (text: RowText) => string | null {
  const plain = new RegExp(
    String.raw`^(\d+)${UNIT}\["(${CELL}(?:","${CELL}){${width - 1}})"\]${UNIT}([a-z]+)${UNIT}${UNIT}${UNIT}(\d*)${UNIT}$`,
  );
  const end = hasExtra ? ",\n" : "\n";
  return (text) => {
    const found = plain.exec(text);
    if (!found) return null;
    const [, row, cells, status, recordId] = found;
    return `${cells?.replaceAll('","', ",")},${row},${status},,,${recordId}${end}`;
  };
}

/** Reads a line whose quotes are misplaced, so that its cells are found all the same. */
import { undouble } from "./quoted-cell.ts";
import type { Syntax } from "./syntax.ts";

/** How to read a misplaced quote: inside its cell, or as text that opens no cell. */
type Reading = "inside" | "text";

/**
 * Returns the cells of the first reading that has the number of columns of the table, or null if none has.
 * @param line without its line end
 */
export function readBrokenLine(line: string, syntax: Syntax, width: number): string[] | null {
  return cellsOf(line, syntax, width, "inside") ?? cellsOf(line, syntax, width, "text");
}

/** @returns null if the number of cells is not `width` */
function cellsOf(line: string, syntax: Syntax, width: number, reading: Reading): string[] | null {
  const { delimiter, quote, blanks } = syntax;
  const fields: string[] = [];
  const quoted: number[] = [];
  // Once a search fails, later ones would too. This keeps the time linear.
  let canClose = true;
  for (let cursor = 0; fields.length < width; ) {
    let open = cursor;
    while (blanks !== "text" && line[open] === " " && delimiter !== " ") open++;
    let close = -1;
    if (line[open] === quote && canClose) {
      close = closeOf(line, open, delimiter, quote, reading);
      canClose = close !== -1 || reading === "text";
    }
    const next = line.indexOf(delimiter, close === -1 ? cursor : close + 1);
    const end = next === -1 ? line.length : next;
    if (close !== -1) quoted.push(fields.length);
    fields.push(
      close === -1 ? line.slice(blanks === "delimiter" ? open : cursor, end) : line.slice(open + 1, close),
    );
    if (next === -1) break;
    if (fields.length === width) return null;
    cursor = next + 1;
  }
  if (fields.length !== width) return null;
  for (const column of quoted) fields[column] = undouble(fields[column] ?? "", quote);
  return fields;
}

/** Returns the position of the quote that closes the cell, or -1 if the quote at `open` is text. */
function closeOf(line: string, open: number, delimiter: string, quote: string, reading: Reading): number {
  for (let at = line.indexOf(quote, open + 1); at !== -1; at = line.indexOf(quote, at + 1)) {
    if (at + 1 === line.length || line[at + 1] === delimiter) return at;
    if (reading === "inside") continue;
    if (line[at + 1] !== quote) return -1;
    at++;
  }
  return -1;
}

/** Finds the end of a quoted cell, and reads the quotes in it. */
import type { Escape } from "./syntax.ts";

/**
 * Returns the position of the quote that closes the cell opened at `open`, or -1.
 * @param from behind quotes that do not close the cell
 */
export function closingQuote(
  text: string,
  open: number,
  from: number,
  quote: string,
  escaping: Escape | null,
): number {
  const quoteCode = quote.charCodeAt(0);
  for (let at = text.indexOf(quote, from); at !== -1; at = text.indexOf(quote, at + 1)) {
    if (escaping === "backslash") {
      let backslashes = 0;
      while (text[at - 1 - backslashes] === "\\" && at - 1 - backslashes > open) backslashes++;
      if (backslashes % 2 === 1) continue;
    }
    if (text.charCodeAt(at + 1) !== quoteCode) return at;
    at++;
  }
  return -1;
}

const SHORT_CHARS = 1024;
const PART_CHARS = 16_384;

/**
 * Replaces doubled quotes. The result of `replaceAll` keeps the pieces between the quotes, which take much more memory than
 * their text, so that a long cell is unescaped in parts.
 */
export function undouble(cell: string, quote: string): string {
  if (!cell.includes(quote)) return cell;
  if (cell.length <= SHORT_CHARS) return cell.replaceAll(quote + quote, quote);
  const parts: string[] = [];
  for (let at = 0; at < cell.length; ) {
    let end = at + PART_CHARS;
    while (end < cell.length && cell[end - 1] === quote) end++;
    parts.push(
      cell
        .slice(at, end)
        .split(quote + quote)
        .join(quote),
    );
    at = end;
  }
  return parts.join("");
}

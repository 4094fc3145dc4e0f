/** Decides which quote a file uses. */
import type { Sample } from "./sample.ts";

/** Cells that files leave unquoted even if they quote all text. */
const BARE = /^[-+.\d]|^(null|na|n\/a|nan|none|true|false|\\n)$/i;
/** The smallest share of records with quotes as text, if quotes never enclose cells. */
const MIN_TEXT_QUOTES = 0.2;

/**
 * Whether apostrophes are quotes: they are if they enclose all text of a column, or several cells of which one needs quotes.
 * They are not if a cell begins with a double quote, or if they leave more records malformed than records that they explain.
 */
export function isApostropheQuote(sample: Sample, usual: Sample): boolean {
  const { records, syntax } = sample;
  const fitting = (one: Sample) => one.records.filter(({ fields }) => fields.length === one.width).length;
  if (sample.problems > 0 && fitting(sample) * usual.records.length <= fitting(usual) * records.length)
    return false;
  const quotedInColumn = new Map<number, number>();
  const bareColumns = new Set<number>();
  let isNeeded = false;
  let count = 0;
  for (const [index, { fields, problem }] of records.entries()) {
    if (problem !== null) continue;
    for (const [column, cell] of fields.entries()) {
      if (sample.isQuoted(index, column)) {
        count++;
        quotedInColumn.set(column, (quotedInColumn.get(column) ?? 0) + 1);
        isNeeded ||= cell.includes(syntax.delimiter) || /['\r\n]/.test(cell);
      } else if (cell.startsWith('"')) {
        return false;
      } else if (cell !== "" && !BARE.test(cell) && index > 0) {
        bareColumns.add(column);
      }
    }
  }
  if (isNeeded && count > 1) return true;
  return [...quotedInColumn].some(([column, quoted]) => quoted > 1 && !bareColumns.has(column));
}

/**
 * Whether quotes are text in this file: many cells begin with one that most of them do not end with, and no cell needs quotes.
 * @param usual the sample with quotes
 * @param none the sample without
 */
export function isTextQuote(usual: Sample, none: Sample): boolean {
  const { delimiter, quote } = usual.syntax;
  for (const [index, { fields }] of usual.records.entries()) {
    for (const [column, cell] of fields.entries()) {
      if (!usual.isQuoted(index, column)) continue;
      if (cell.includes(delimiter) || cell.includes(quote) || /[\r\n]/.test(cell)) return false;
    }
  }
  let opened = 0;
  let closed = 0;
  let rows = 0;
  for (const { fields } of none.records) {
    let hasText = false;
    for (const cell of fields) {
      if (!cell.startsWith(quote)) continue;
      opened++;
      if (cell.length > 1 && cell.endsWith(quote)) closed++;
      else hasText = true;
    }
    // Without quotes, a delimiter inside them would make the row wider.
    if (hasText && fields.length !== none.width) return false;
    if (hasText) rows++;
  }
  return rows > 1 && rows >= MIN_TEXT_QUOTES * none.records.length && closed < opened / 2;
}

/**
 * Guesses the syntax of a CSV file from its first block. It parses the block with every candidate and prefers the syntax
 * with which most records have the same number of columns and most cells have no delimiters in them.
 */
import { CsvParser, type CsvRecord, type Escape, type Syntax } from "./parser.ts";

/** The most common one first: it wins if all score equally. */
const DELIMITERS = [",", "\t", "|", ";"] as const;
const ESCAPES = ["double", "backslash"] as const;
const QUOTES = ['"', "'"] as const;

/** Enough to recognize a dialect. A block of short lines has thousands of records. */
const MAX_RECORDS = 1000;

export interface Known {
  readonly delimiter: string | undefined;
  readonly quote: string | undefined;
  readonly escape: Escape | undefined;
}

/**
 * @param block the beginning of the file, after skipped lines
 * @param isWhole whether the block is the whole file
 * @param known the options of the client, which are not guessed
 */
export function guessSyntax(block: string, isWhole: boolean, known: Known, hasHeader: boolean): Syntax {
  let best: { syntax: Syntax; score: number } | null = null;
  for (const syntax of candidates(block, known)) {
    const score = scoreOf(block, isWhole, syntax, hasHeader);
    if (score !== null && (best === null || score > best.score)) best = { syntax, score };
  }
  if (best) return best.syntax;
  const { delimiter = ",", quote = '"' } = known;
  return { delimiter, quote, escape: known.escape ?? null, padded: false };
}

function candidates(block: string, known: Known): Syntax[] {
  const present = <T extends string>(characters: readonly T[]) =>
    characters.filter((character, index) => index === 0 || block.includes(character));
  const delimiters = known.delimiter === undefined ? present(DELIMITERS) : [known.delimiter];
  const quotes = known.quote === undefined ? present(QUOTES) : [known.quote];
  const combined: Syntax[] = [];
  for (const quote of quotes) {
    const escapes = known.escape ? [known.escape] : block.includes(`\\${quote}`) ? ESCAPES : [null];
    const isPadded = quote !== "" && (block.includes(` ${quote}`) || block.includes(`\t${quote}`));
    for (const one of escapes) {
      for (const delimiter of delimiters) {
        for (const padded of isPadded ? [false, true] : [false]) {
          if (delimiter !== quote) combined.push({ delimiter, quote, escape: one, padded });
        }
      }
    }
  }
  return combined;
}

/** Returns the score of a syntax, or null if it is impossible. */
function scoreOf(block: string, isWhole: boolean, syntax: Syntax, hasHeader: boolean): number | null {
  const quoted = new Set<string>();
  let paddedCells = 0;
  const parser = new CsvParser(syntax, 0, (record, column, isPadded) => {
    quoted.add(`${record} ${column}`);
    if (isPadded) paddedCells++;
  });
  const parsed = parser.parse(block, isWhole);
  // A record that the end of the block cuts off does not count, unless it is the only one or most of the block.
  const isSwallowed = !isWhole && parsed.rest < block.length / 2;
  const all = parsed.records.length > 0 ? parsed.records : new CsvParser(syntax).parse(block, true).records;
  const records = all.slice(0, MAX_RECORDS);
  const isQuoted = (record: number, column: number) => quoted.has(`${record} ${column}`);
  const problems = records.filter(({ problem }) => problem !== null).length;
  if (syntax.padded && paddedCells === 0) return null;
  if (syntax.quote === "'" && (problems > 0 || !isApostropheQuote(records, syntax, isQuoted, hasHeader)))
    return null;
  const damage = isSwallowed ? 1 : problems / Math.max(1, records.length);
  // Among equal scores, prefer the syntax that removes quotes: nobody puts many cells in quotes without a reason.
  const tidiness = (syntax.padded ? (paddedCells > 1 ? 1 : -1) : 0) + (syntax.quote === "'" ? 1 : 0);
  return uniformity(records, isQuoted, hasHeader) - damage + tidiness * 1e-6;
}

type IsQuoted = (record: number, column: number) => boolean;

/** The factor for a table whose first line has one cell, such as a title, and therefore is probably not a header. */
const UNDER_TITLE = 0.1;
/** The smallest share of records with the same number of columns. Below it, the delimiter is wrong. */
const MIN_ALIKE = 0.3;
const MIN_ALIKE_UNDER_TITLE = 0.5;

/** Returns the share of records with the same number of columns, reduced for few columns and for cells with delimiters. */
function uniformity(records: readonly CsvRecord[], isQuoted: IsQuoted, hasHeader: boolean): number {
  const [first] = records;
  if (!first) return 0;
  const hasTitle = hasHeader && first.fields.length === 1;
  const width = hasHeader && !hasTitle ? first.fields.length : commonWidth(records);
  if (width < 2) return 0;
  let alike = 0;
  let cells = 0;
  let plain = 0;
  for (const [index, { fields }] of records.entries()) {
    const isTrailing = fields.length === width + 1 && fields[width] === "";
    if (fields.length === width || isTrailing) alike++;
    else if (fields.length > 1 && fields.length < width) alike += 0.5;
    for (const [column, cell] of fields.entries()) {
      if (cell === "") continue;
      cells++;
      const isProse = hasTitle && column > 0 && cell.startsWith(" ");
      if (isQuoted(index, column) || (isPlain(cell) && !isProse)) plain++;
    }
  }
  const share = alike / records.length;
  if (share < (hasTitle ? MIN_ALIKE_UNDER_TITLE : MIN_ALIKE)) return 0;
  return share * (1 - 1 / width) * (cells === 0 ? 1 : plain / cells) * (hasTitle ? UNDER_TITLE : 1);
}

function commonWidth(records: readonly CsvRecord[]): number {
  const counts = new Map<number, number>();
  for (const { fields } of records) counts.set(fields.length, (counts.get(fields.length) ?? 0) + 1);
  return [...counts].reduce((most, next) => (next[1] > most[1] ? next : most))[0];
}

/** Whether a cell has no other delimiter in it, except as punctuation, as a decimal comma or in a list of numbers. */
function isPlain(cell: string): boolean {
  const text = cell.trim();
  return !/[,;|](?! )|\t/.test(text) || /^[-+]?[\d.' ]*\d(,\d+)+$/.test(text);
}

/** Cells that files leave unquoted even if they quote all text. */
const BARE = /^[-+.\d]|^(null|na|n\/a|nan|none|true|false|\\n)$/i;

/**
 * Whether apostrophes are quotes: they are if they enclose all text of a column, or several cells of which one needs quotes.
 * They are not if a cell begins with a double quote.
 */
function isApostropheQuote(
  records: readonly CsvRecord[],
  { delimiter }: Syntax,
  isQuoted: IsQuoted,
  hasHeader: boolean,
): boolean {
  const quotedInColumn = new Map<number, number>();
  const bareColumns = new Set<number>();
  let isNeeded = false;
  let count = 0;
  for (const [index, { fields }] of records.entries()) {
    for (const [column, cell] of fields.entries()) {
      if (isQuoted(index, column)) {
        count++;
        quotedInColumn.set(column, (quotedInColumn.get(column) ?? 0) + 1);
        isNeeded ||= cell.includes(delimiter) || /['\r\n]/.test(cell);
      } else if (cell.startsWith('"')) {
        return false;
      } else if (cell !== "" && !BARE.test(cell) && !(index === 0 && hasHeader)) {
        bareColumns.add(column);
      }
    }
  }
  if (isNeeded && count > 1) return true;
  return [...quotedInColumn].some(([column, quoted]) => quoted > 1 && !bareColumns.has(column));
}

/** Guesses how a CSV file is written from its first block: by what makes its records alike and its cells plain. */
import { CsvParser, type CsvRecord, type Escape, type Syntax } from "./parser.ts";

/** The usual one first: it is taken where nothing speaks for another. */
const DELIMITERS = [",", "\t", "|", ";"] as const;
const ESCAPES = ["double", "backslash"] as const;
const QUOTES = ['"', "'"] as const;

/** Enough to tell a dialect; a file of short lines has thousands in a block. */
const MAX_RECORDS = 1000;

export interface Known {
  readonly delimiter: string | undefined;
  readonly quote: string | undefined;
  readonly escape: Escape | undefined;
}

/**
 * @param block the beginning of the file, behind lines to skip
 * @param given what is known already, which is kept
 */
export function guessSyntax(block: string, isWhole: boolean, given: Known, hasHeader: boolean): Syntax {
  let best: { syntax: Syntax; score: number } | null = null;
  for (const syntax of combinations(block, given)) {
    const score = tryOut(block, isWhole, syntax, hasHeader);
    if (score !== null && (best === null || score > best.score)) best = { syntax, score };
  }
  if (best) return best.syntax;
  const { delimiter = ",", quote = '"' } = given;
  return { delimiter, quote, escape: given.escape ?? null, padded: false };
}

function combinations(block: string, given: Known): Syntax[] {
  const present = <T extends string>(characters: readonly T[]) =>
    characters.filter((character, index) => index === 0 || block.includes(character));
  const delimiters = given.delimiter === undefined ? present(DELIMITERS) : [given.delimiter];
  const quotes = given.quote === undefined ? present(QUOTES) : [given.quote];
  const combined: Syntax[] = [];
  for (const quote of quotes) {
    const escapes = given.escape ? [given.escape] : block.includes(`\\${quote}`) ? ESCAPES : [null];
    const isPadded = quote !== "" && (block.includes(` ${quote}`) || block.includes(`\t${quote}`));
    for (const how of escapes) {
      for (const delimiter of delimiters) {
        for (const padded of isPadded ? [false, true] : [false]) {
          if (delimiter !== quote) combined.push({ delimiter, quote, escape: how, padded });
        }
      }
    }
  }
  return combined;
}

/** How well a syntax suits, null where it is out of the question. */
function tryOut(block: string, isWhole: boolean, syntax: Syntax, hasHeader: boolean): number | null {
  const quoted = new Set<string>();
  let paddedCells = 0;
  const parser = new CsvParser(syntax, 0, (record, column, isPadded) => {
    quoted.add(`${record} ${column}`);
    if (isPadded) paddedCells++;
  });
  const parsed = parser.parse(block, isWhole);
  // A record that the block's end cuts off says nothing, unless it is all there is, or swallowed most of the block.
  const isSwallowed = !isWhole && parsed.rest < block.length / 2;
  const all = parsed.records.length > 0 ? parsed.records : new CsvParser(syntax).parse(block, true).records;
  const records = all.slice(0, MAX_RECORDS);
  const isQuoted = (record: number, column: number) => quoted.has(`${record} ${column}`);
  const problems = records.filter(({ problem }) => problem !== null).length;
  if (syntax.padded && paddedCells === 0) return null;
  if (syntax.quote === "'" && (problems > 0 || !isApostropheQuote(records, syntax, isQuoted, hasHeader)))
    return null;
  const damage = isSwallowed ? 1 : problems / Math.max(1, records.length);
  // Between equals, a reading that takes off quotes is right: nobody writes them round many cells for nothing.
  const tidiness = (syntax.padded ? (paddedCells > 1 ? 1 : -1) : 0) + (syntax.quote === "'" ? 1 : 0);
  return likeness(records, isQuoted, hasHeader) - damage + tidiness * 1e-6;
}

type IsQuoted = (record: number, column: number) => boolean;

/** A table whose first line is no header, but a title or a remark, counts this much of one that begins with its header. */
const UNDER_TITLE = 0.1;
/** With less than this share of records alike, a delimiter is none. */
const MIN_ALIKE = 0.3;
const MIN_ALIKE_UNDER_TITLE = 0.5;

/** From 0 to 1: how alike the records are, how many columns they have, and how plain their cells. */
function likeness(records: readonly CsvRecord[], isQuoted: IsQuoted, hasHeader: boolean): number {
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

/** A delimiter inside a cell that is no punctuation, no decimal comma and no list of numbers shows that the cell is two. */
function isPlain(cell: string): boolean {
  const text = cell.trim();
  return !/[,;|](?! )|\t/.test(text) || /^[-+]?[\d.' ]*\d(,\d+)+$/.test(text);
}

/** Cells that also those leave bare who put text in quotes. */
const BARE = /^[-+.\d]|^(null|na|n\/a|nan|none|true|false|\\n)$/i;

/**
 * An apostrophe is a quote where all text of a column is between two, or where cells are that need it. It is none where
 * there are cells between the usual ones.
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

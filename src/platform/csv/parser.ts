/** Parses text into CSV records, always in time linear to its length. */
import { readBrokenLine } from "./broken-line.ts";
import { pastBlanks, pastSpaces, splitPadded } from "./padded-line.ts";
import { closingQuote, undouble } from "./quoted-cell.ts";
import { CR, type Escape, hasLineBreak, isLineBreak, LF, lineEndOf, type Syntax } from "./syntax.ts";

export interface CsvRecord {
  /** As a spreadsheet shows it: the first line is row 1, and blank lines count. */
  readonly row: number;
  readonly fields: string[];
  /** Why the record is not valid CSV, or null. */
  readonly problem: string | null;
}

export interface Parsed {
  readonly records: CsvRecord[];
  /** The position behind the records. */
  readonly rest: number;
}

/** A record that continues after the text. */
interface Unfinished {
  readonly fields: string[];
  readonly problem: string | null;
  /** The positions, from the beginning of the record, of the next cell and of the first character not yet searched for its end. */
  readonly cursor: number;
  readonly searched: number;
}

/** Called for each quoted cell, with the index of its record within one call of `parse`. */
export type OnQuoted = (record: number, column: number, isPadded: boolean) => void;

export interface ParserOptions {
  /** The number of lines before the text. */
  readonly row?: number;
  /** The number of columns of the table, which helps to read records with misplaced quotes. 0: unknown. */
  readonly width?: number;
  /** A quote that is not closed within this many characters may be a stray one. */
  readonly maxCellChars?: number;
  readonly onQuoted?: OnQuoted;
}

/**
 * After a misplaced quote it is uncertain which quotes form a pair. A later quoted cell of the record can have line breaks
 * only if it is properly closed within this many characters. Otherwise the cell and the record end with the line.
 */
const MAX_UNCERTAIN_CHARS = 65_536;

/** Blocks are small, so that the records of many short lines do not fill the memory. */
export const BLOCK_CHARS = 131_072;
const BLOCK_RECORDS = 4096;

const INCOMPLETE = -1;

/**
 * Records end at LF, CRLF or CR, also mixed in one file. An empty line is not a record, but a line of blanks or with an
 * empty quoted cell is. A quote opens a quoted cell only at the beginning of the cell; elsewhere it is text. If text follows
 * a closing quote, the record has a problem. It ends with its line if the next line reads as a record of the table, so that
 * one stray quote never takes the records behind it.
 */
export class CsvParser {
  /** The number of rows so far, including blank lines. */
  row: number;
  /** The line ends outside quotes so far. */
  readonly newlines = { lf: false, crlf: false, cr: false };
  readonly #syntax: Syntax;
  readonly #delimiterCode: number;
  readonly #quoteCode: number;
  readonly #splitsRuns: boolean;
  readonly #width: number;
  readonly #maxCellChars: number;
  readonly #onQuoted: OnQuoted | undefined;
  readonly #escapeSequence: RegExp;
  #escape: Escape | null;
  /** The record at `rest`, so that a long record is not read again from its beginning each time more text arrives. */
  #unfinished: Unfinished | null = null;

  constructor(syntax: Syntax, options: ParserOptions = {}) {
    this.#syntax = syntax;
    this.#delimiterCode = syntax.delimiter.charCodeAt(0);
    this.#quoteCode = syntax.quote === "" ? -1 : syntax.quote.charCodeAt(0);
    this.#splitsRuns = syntax.delimiter === " " && syntax.blanks === "delimiter";
    this.row = options.row ?? 0;
    this.#width = options.width ?? 0;
    this.#maxCellChars = options.maxCellChars ?? Number.POSITIVE_INFINITY;
    this.#onQuoted = options.onQuoted;
    this.#escape = syntax.escape;
    const quote = syntax.quote.replace(/[\\^$.*+?()[\]{}|/-]/, "\\$&");
    this.#escapeSequence = new RegExp(`[\\\\${quote}]([\\\\${quote}])`, "g");
  }

  get escape(): Escape {
    return this.#escape ?? "double";
  }

  /**
   * Returns the first records of a text, at most as many as one block has.
   * @param text begins with a record, and ends with a whole character and no CR, unless `isLast`
   */
  parse(text: string, isLast: boolean): Parsed {
    const { quote, delimiter, blanks } = this.#syntax;
    const records: CsvRecord[] = [];
    let lf = text.indexOf("\n");
    let cr = text.indexOf("\r");
    let quoted = quote ? text.indexOf(quote) : -1;
    let cellEnd = text.indexOf(delimiter);
    for (let at = 0; ; ) {
      if (at >= text.length) return { records, rest: text.length };
      if (at >= BLOCK_CHARS || records.length >= BLOCK_RECORDS) return { records, rest: at };
      // After -1 there are no more, so the text is searched at most once for each of the four.
      if (lf !== -1 && lf < at) lf = text.indexOf("\n", at);
      if (cr !== -1 && cr < at) cr = text.indexOf("\r", at);
      if (quoted !== -1 && quoted < at) quoted = text.indexOf(quote, at);
      const lineEnd = cr === -1 || (lf !== -1 && lf < cr) ? lf : cr;
      if (quoted !== -1 && (lineEnd === -1 || quoted < lineEnd)) {
        const end = this.#quotedRecord(text, at, isLast, records);
        if (end === INCOMPLETE) return { records, rest: at };
        at = end;
        continue;
      }
      if (lineEnd === -1 && !isLast) return { records, rest: at };
      const end = lineEnd === -1 ? text.length : lineEnd;
      this.row++;
      if (end > at && blanks === "delimiter") {
        records.push({ row: this.row, fields: splitPadded(text.slice(at, end), delimiter), problem: null });
      } else if (end > at) {
        if (cellEnd !== -1 && cellEnd < at) cellEnd = text.indexOf(delimiter, at);
        const fields = [text.slice(at, cellEnd === -1 || cellEnd > end ? end : cellEnd)];
        while (cellEnd !== -1 && cellEnd < end) {
          const from = cellEnd + 1;
          cellEnd = text.indexOf(delimiter, from);
          fields.push(text.slice(from, cellEnd === -1 || cellEnd > end ? end : cellEnd));
        }
        records.push({ row: this.row, fields, problem: null });
      }
      at = this.#pastNewline(text, end);
    }
  }

  /** Reads a record with a quote in its first line. @returns the position of the next record, or INCOMPLETE */
  #quotedRecord(text: string, start: number, isLast: boolean, records: CsvRecord[]): number {
    const { blanks, quote } = this.#syntax;
    const unfinished = this.#unfinished && this.#takeUnfinished(text.length - start);
    const fields = unfinished?.fields ?? [];
    let problem = unfinished?.problem ?? null;
    let searched = start + (unfinished?.searched ?? 0);
    const first = start + (unfinished?.cursor ?? 0);
    for (let cursor = this.#splitsRuns ? pastSpaces(text, first) : first; ; searched = 0) {
      const before = problem;
      const open = blanks === "text" ? cursor : pastBlanks(text, cursor, this.#delimiterCode);
      let end = -1;
      if (text.charCodeAt(open) === this.#quoteCode) {
        const close = closingQuote(text, open, Math.max(open + 1, searched), quote, this.#escape);
        const last = close === -1 ? text.length : close;
        const after = close === -1 ? text.length : pastBlanks(text, close + 1, this.#delimiterCode);
        const mayGoOn = after === text.length && !isLast;
        const isClosed = close !== -1 && (after === text.length || this.#endsCell(text, after));
        const isLong = last - open > MAX_UNCERTAIN_CHARS;
        const isOver =
          last - open > this.#maxCellChars && hasLineBreak(text, open, open + this.#maxCellChars);
        const isOverStray = isOver && this.#isStray(text, open, isLast);
        if (problem === MALFORMED && (isLong || !(isClosed || mayGoOn)) && hasLineBreak(text, open, last)) {
          end = this.#cellEnd(text, open);
          fields.push(text.slice(cursor, end));
        } else if (isOverStray === null) {
          return this.#interrupt(start, fields, before, cursor, last);
        } else if (isOverStray) {
          problem ??= UNCLOSED;
          end = this.#cellEnd(text, open);
          fields.push(text.slice(cursor, end));
        } else if (mayGoOn) {
          return this.#interrupt(start, fields, before, cursor, last);
        } else if (isClosed) {
          end = after;
          this.#onQuoted?.(records.length, fields.length, open > cursor);
          fields.push(this.#unescape(text.slice(open + 1, close)));
          // This backslash does not escape the closing quote, so backslashes never escape quotes in this file.
          if (this.#escape === null && text[close - 1] === "\\" && close - 1 > open) this.#escape = "double";
        } else if (
          close !== -1 &&
          this.#escape === null &&
          text.slice(open, close + 1).includes(`\\${quote}`)
        ) {
          this.#escape = "backslash";
          return this.#quotedRecord(text, start, isLast, records);
        } else {
          const stray = hasLineBreak(text, open, last) ? this.#isStray(text, open, isLast) : close === -1;
          if (stray === null) return this.#interrupt(start, fields, before, cursor, last);
          problem ??= close === -1 ? UNCLOSED : MALFORMED;
          end = this.#cellEnd(text, stray ? open : after);
          fields.push(text.slice(cursor, end));
        }
      } else {
        end = this.#cellEnd(text, cursor);
        fields.push(text.slice(blanks === "delimiter" ? Math.min(open, end) : cursor, end));
      }
      if (end === text.length && !isLast) {
        fields.pop();
        return this.#interrupt(start, fields, before, cursor, cursor);
      }
      if (text.charCodeAt(end) === this.#delimiterCode) {
        cursor = end + 1;
        if (!this.#splitsRuns) continue;
        cursor = pastSpaces(text, cursor);
        if (cursor < text.length && !isLineBreak(text, cursor)) continue;
        if (cursor === text.length && !isLast) return INCOMPLETE;
        end = cursor;
      }
      records.push({ row: ++this.row, fields: this.#repair(text, start, end, fields, problem), problem });
      return this.#pastNewline(text, end);
    }
  }

  #interrupt(
    start: number,
    fields: string[],
    problem: string | null,
    cursor: number,
    searched: number,
  ): typeof INCOMPLETE {
    this.#unfinished = { fields, problem, cursor: cursor - start, searched: searched - start };
    return INCOMPLETE;
  }

  /** @param length the number of characters from the beginning of the record */
  #takeUnfinished(length: number): Unfinished | null {
    const unfinished = this.#unfinished;
    this.#unfinished = null;
    return unfinished && unfinished.searched <= length ? unfinished : null;
  }

  /** Reads a line with misplaced quotes again if that results in the number of columns of the table. */
  #repair(text: string, start: number, end: number, fields: string[], problem: string | null): string[] {
    if (problem === null || this.#width === 0 || hasLineBreak(text, start, end)) return fields;
    return readBrokenLine(text.slice(start, end), this.#syntax, this.#width) ?? fields;
  }

  /**
   * Whether the quote at `open`, which is not closed properly, is a stray one: the next line reads as a record of the table.
   * @returns null if the next line is not complete
   */
  #isStray(text: string, open: number, isLast: boolean): boolean | null {
    let from = lineEndOf(text, open);
    while (from < text.length && isLineBreak(text, from)) from++;
    const end = lineEndOf(text, from);
    if (end === text.length && !isLast) return null;
    if (this.#width === 0 || from === end) return true;
    const syntax = { ...this.#syntax, escape: this.#escape };
    const [record] = new CsvParser(syntax).parse(text.slice(from, end), true).records;
    return record === undefined || record.fields.length === this.#width;
  }

  #cellEnd(text: string, from: number): number {
    let at = from;
    while (at < text.length && !this.#endsCell(text, at)) at++;
    return at;
  }

  #endsCell(text: string, at: number): boolean {
    const code = text.charCodeAt(at);
    return code === this.#delimiterCode || code === LF || code === CR;
  }

  #pastNewline(text: string, at: number): number {
    const code = text.charCodeAt(at);
    if (code === LF) {
      this.newlines.lf = true;
      return at + 1;
    }
    if (code !== CR) return at;
    const isPair = text.charCodeAt(at + 1) === LF;
    if (isPair) this.newlines.crlf = true;
    else this.newlines.cr = true;
    return at + (isPair ? 2 : 1);
  }

  #unescape(cell: string): string {
    if (this.#escape === "backslash") return cell.replace(this.#escapeSequence, "$1");
    return undouble(cell, this.#syntax.quote);
  }
}

const UNCLOSED = "A quoted cell is never closed. Close it, or double the quotes inside the cell.";
const MALFORMED =
  "A quoted cell has a quote that is not doubled, so it is unclear where its cells end. Double the quotes inside the cell.";

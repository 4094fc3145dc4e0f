/** Parses text into CSV records, always in time linear to its length. */

export type Escape = "double" | "backslash";

export interface Syntax {
  readonly delimiter: string;
  /** Empty: cells are never quoted. */
  readonly quote: string;
  /** null: quotes are doubled, unless the first misplaced quote follows a backslash. */
  readonly escape: Escape | null;
  /** Whether a quote after blanks opens a quoted cell. */
  readonly padded: boolean;
}

export interface CsvRecord {
  /** As a spreadsheet shows it: the first line is row 1, and blank lines count. */
  readonly row: number;
  readonly fields: string[];
  /** Why the record is not valid CSV, or null. */
  readonly problem: string | null;
}

export interface Parsed {
  readonly records: CsvRecord[];
  /** The position of the last record, which may continue after the text. */
  readonly rest: number;
}

/** Called for each quoted cell, with the index of its record within one call of `parse`. */
export type OnQuoted = (record: number, column: number, isPadded: boolean) => void;

/**
 * After a misplaced quote it is uncertain which quotes form a pair. A later quoted cell of the record can have line breaks
 * only if it is properly closed within this many characters. Otherwise the cell and the record end with the line.
 */
const MAX_UNCERTAIN_CHARS = 65_536;

const INCOMPLETE = -1;

/**
 * Records end at LF, CRLF or CR, also mixed in one file. An empty line is not a record, but a line of blanks or with an
 * empty quoted cell is. A quote opens a quoted cell only at the beginning of the cell; elsewhere it is text. If text follows
 * a closing quote, the cell extends to the next delimiter, as in Python's csv, and keeps its quotes.
 */
export class CsvParser {
  /** The number of rows so far, including blank lines. */
  row: number;
  /** The line ends outside quotes so far. */
  readonly newlines = { lf: false, crlf: false, cr: false };
  readonly #syntax: Syntax;
  readonly #onQuoted: OnQuoted | undefined;
  readonly #escapeSequence: RegExp;
  #escape: Escape | null;

  constructor(syntax: Syntax, row = 0, onQuoted?: OnQuoted) {
    this.#syntax = syntax;
    this.row = row;
    this.#onQuoted = onQuoted;
    this.#escape = syntax.escape;
    const quote = syntax.quote.replace(/[\\^$.*+?()[\]{}|/-]/, "\\$&");
    this.#escapeSequence = new RegExp(`[\\\\${quote}]([\\\\${quote}])`, "g");
  }

  get escape(): Escape {
    return this.#escape ?? "double";
  }

  /** `text` begins with a record, and ends with a whole character and no CR, unless `isLast`. */
  parse(text: string, isLast: boolean): Parsed {
    const { delimiter, quote } = this.#syntax;
    const records: CsvRecord[] = [];
    let lf = text.indexOf("\n");
    let cr = text.indexOf("\r");
    let quoted = quote ? text.indexOf(quote) : -1;
    for (let at = 0; ; ) {
      if (at >= text.length) return { records, rest: text.length };
      // After -1 there are no more, so the text is searched at most once for each of the three.
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
      if (end > at) {
        records.push({ row: this.row, fields: text.slice(at, end).split(delimiter), problem: null });
      }
      at = this.#pastNewline(text, end);
    }
  }

  /** Reads a record with a quote in its first line. @returns the position of the next record, or INCOMPLETE */
  #quotedRecord(text: string, start: number, isLast: boolean, records: CsvRecord[]): number {
    const { quote } = this.#syntax;
    const fields: string[] = [];
    let problem: string | null = null;
    for (let cursor = start; ; ) {
      const open = this.#syntax.padded ? this.#pastBlanks(text, cursor) : cursor;
      let end = -1;
      if (text[open] === quote) {
        const close = this.#closingQuote(text, open);
        const inner = text.slice(open + 1, close === -1 ? text.length : close);
        const after = close === -1 ? text.length : this.#pastBlanks(text, close + 1);
        const mayGoOn = after === text.length && !isLast;
        const isClosed = close !== -1 && (after === text.length || this.#endsCell(text, after));
        const isTrusted = inner.length <= MAX_UNCERTAIN_CHARS && (isClosed || mayGoOn);
        if (problem === MALFORMED && !isTrusted && /[\r\n]/.test(inner)) {
          end = this.#cellEnd(text, open);
          fields.push(text.slice(cursor, end));
        } else if (mayGoOn) {
          return INCOMPLETE;
        } else if (isClosed || close === -1) {
          end = after;
          this.#onQuoted?.(records.length, fields.length, open > cursor);
          fields.push(this.#unescape(inner));
          if (close === -1) problem ??= UNCLOSED;
          // This backslash does not escape the closing quote, so backslashes never escape quotes in this file.
          if (this.#escape === null && inner.endsWith("\\")) this.#escape = "double";
        } else if (this.#escape === null && text.slice(open, close + 1).includes(`\\${quote}`)) {
          this.#escape = "backslash";
          return this.#quotedRecord(text, start, isLast, records);
        } else {
          problem = MALFORMED;
          end = this.#cellEnd(text, after);
          fields.push(text.slice(cursor, end));
        }
      } else {
        end = this.#cellEnd(text, cursor);
        fields.push(text.slice(cursor, end));
      }
      if (end === text.length && !isLast) return INCOMPLETE;
      if (text[end] === this.#syntax.delimiter) {
        cursor = end + 1;
        continue;
      }
      records.push({ row: ++this.row, fields, problem });
      return this.#pastNewline(text, end);
    }
  }

  /** Returns the position of the quote that closes the cell opened at `open`, or -1. */
  #closingQuote(text: string, open: number): number {
    const { quote } = this.#syntax;
    for (let at = text.indexOf(quote, open + 1); at !== -1; at = text.indexOf(quote, at + 1)) {
      if (this.#escape === "backslash") {
        let backslashes = 0;
        while (text[at - 1 - backslashes] === "\\" && at - 1 - backslashes > open) backslashes++;
        if (backslashes % 2 === 1) continue;
      }
      if (text[at + 1] !== quote) return at;
      at++;
    }
    return -1;
  }

  #cellEnd(text: string, from: number): number {
    let at = from;
    while (at < text.length && !this.#endsCell(text, at)) at++;
    return at;
  }

  #endsCell(text: string, at: number): boolean {
    const character = text[at];
    return character === this.#syntax.delimiter || character === "\n" || character === "\r";
  }

  #pastBlanks(text: string, from: number): number {
    let at = from;
    while (text[at] === " " || (text[at] === "\t" && this.#syntax.delimiter !== "\t")) at++;
    return at;
  }

  #pastNewline(text: string, at: number): number {
    if (text[at] === "\n") {
      this.newlines.lf = true;
      return at + 1;
    }
    if (text[at] !== "\r") return at;
    const isPair = text[at + 1] === "\n";
    this.newlines[isPair ? "crlf" : "cr"] = true;
    return at + (isPair ? 2 : 1);
  }

  #unescape(cell: string): string {
    const { quote } = this.#syntax;
    if (this.#escape === "backslash") return cell.replace(this.#escapeSequence, "$1");
    return cell.includes(quote) ? cell.replaceAll(quote + quote, quote) : cell;
  }
}

export const UNCLOSED = "A quoted cell is never closed. Close it, or double the quotes inside the cell.";
const MALFORMED =
  "A quoted cell has a quote that is not doubled, so it is unclear where its cells end. Double the quotes inside the cell.";

/** The options for reading a file. */
import { invalidField } from "../../errors.ts";
import type { Escape } from "./syntax.ts";

/** The known properties of a table. Missing ones are guessed from its first rows. */
export interface TableOptions {
  /** Whether the first record has the names of the columns. */
  readonly header?: boolean | undefined;
  /** The number of records that have the names of the columns. */
  readonly headerRows?: number | undefined;
  /** The names of the columns, instead of those in the header. */
  readonly columns?: readonly string[] | undefined;
  /** The number of lines before the header. Then no other line above the table is skipped. */
  readonly skipLines?: number | undefined;
  /** Whether rows of empty cells are skipped. Absent: true. */
  readonly skipBlankRows?: boolean | undefined;
  /** `first` ends at a repeated header with more or fewer columns, `all` goes on. Absent: `first`. */
  readonly tables?: "first" | "all" | undefined;
}

/** The known properties of a CSV file. Missing ones are guessed from its first 64 KiB. */
export interface CsvOptions extends TableOptions {
  /** A name of `ENCODINGS`. */
  readonly encoding?: string | undefined;
  /** One character, or a character and a blank: blanks behind it belong to it. Two blanks: runs of blanks. */
  readonly delimiter?: string | undefined;
  /** One character; empty: cells are never quoted. */
  readonly quote?: string | undefined;
  readonly escape?: Escape | undefined;
}

export const MAX_HEADER_ROWS = 10;

/** @throws DomainError `invalid_input` that names the option */
export function checkOptions(options: CsvOptions): void {
  const { delimiter, quote } = options;
  if (delimiter !== undefined && !/^[^\r\n] ?$/.test(delimiter)) {
    throw invalidField("delimiter", "must be one character, which a blank may follow, but not a line break.");
  }
  if (quote && !/^[^\r\n]$/.test(quote))
    throw invalidField("quote", "must be one character or none, but not a line break.");
  if (delimiter !== undefined && delimiter[0] === quote) {
    throw invalidField("delimiter", "must differ from the quote.");
  }
  checkTableOptions(options);
}

/** @throws DomainError `invalid_input` that names the option */
export function checkTableOptions({ columns, skipLines, header, headerRows }: TableOptions): void {
  if (skipLines !== undefined && !(Number.isSafeInteger(skipLines) && skipLines >= 0)) {
    throw invalidField("skip_lines", "must be a whole number, 0 or more.");
  }
  if (headerRows !== undefined && !(headerRows >= 1 && headerRows <= MAX_HEADER_ROWS)) {
    throw invalidField("header_rows", `must be a whole number from 1 to ${MAX_HEADER_ROWS}.`);
  }
  if (headerRows !== undefined && header === false) {
    throw invalidField("header_rows", "cannot be combined with header=false. Leave out one of them.");
  }
  if (columns?.length === 0) {
    throw invalidField("columns", "must have at least one name. Leave it out to use the header.");
  }
}

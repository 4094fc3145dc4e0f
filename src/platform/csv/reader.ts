/** Reads the records of a stream of text, within limits. */
import { DomainError } from "../../errors.ts";
import { BLOCK_CHARS, type CsvParser, type CsvRecord } from "./parser.ts";

export interface CsvLimits {
  readonly cellMaxBytes: number;
  readonly headerNameMaxBytes: number;
  readonly uploadMaxColumns: number;
  readonly uploadMaxRows: number;
}

/** A record can be this many times larger than a cell. This limits how much text one unclosed quote can swallow. */
const RECORD_CELLS = 4;

/** The part of a text that has arrived and is not yet parsed. */
export class TextWindow {
  content = "";
  isEnd = false;
  readonly #pieces: AsyncGenerator<string>;
  readonly #maxChars: number;

  constructor(pieces: AsyncGenerator<string>, limits: CsvLimits) {
    this.#pieces = pieces;
    this.#maxChars = limits.cellMaxBytes * RECORD_CELLS;
  }

  /** Waits for at least `length` characters, or for the end of the text. */
  async fill(length: number): Promise<void> {
    while (!this.isEnd && this.content.length < length) {
      const piece = await this.#pieces.next();
      if (piece.done) this.isEnd = true;
      else this.content += piece.value;
    }
  }

  /** Waits for half as much text again, so that parsing the text from its beginning each time takes linear time. */
  async extend(row: number): Promise<void> {
    if (this.content.length > this.#maxChars) throw tooLongRow(row, this.#maxChars);
    await this.fill(this.content.length + Math.max(1, this.content.length >> 1));
  }

  drop(length: number): void {
    this.content = this.content.slice(length);
  }

  /** Removes the next line. */
  async skipLine(row: number): Promise<void> {
    for (;;) {
      const lineEnd = (this.isEnd ? /\r\n?|\n|$/ : /\r\n|\n|\r(?!$)/).exec(this.content);
      if (lineEnd) return this.drop(lineEnd.index + lineEnd[0].length);
      await this.extend(row);
    }
  }

  async close(): Promise<void> {
    await this.#pieces.return(undefined);
  }
}

/**
 * Yields blocks of records as they arrive. No block is empty.
 * @throws DomainError `too_large` that names the row
 */
export async function* readRecords(
  window: TextWindow,
  parser: CsvParser,
  limits: CsvLimits,
): AsyncGenerator<CsvRecord[]> {
  let length = BLOCK_CHARS;
  for (;;) {
    const { content } = window;
    const isWhole = length >= content.length;
    const isEnd = isWhole && window.isEnd;
    const piece = isWhole ? content : content.slice(0, length);
    // A CR at the end may be half of a CRLF.
    const text = !isEnd && piece.endsWith("\r") ? piece.slice(0, -1) : piece;
    const { records, rest } = parser.parse(text, isEnd);
    window.drop(rest);
    // A UTF-16 code unit takes at most three bytes of UTF-8.
    const mayBeTooLong = text.length * 3 > limits.cellMaxBytes;
    for (const record of records) {
      if (mayBeTooLong) checkCells(record, limits);
      checkColumns(record, limits);
    }
    if (records.length > 0) yield records;
    if (isEnd && rest === text.length) return;
    if (rest > 0) length = BLOCK_CHARS;
    else if (isWhole) {
      await window.extend(parser.row + 1);
      length = window.content.length;
    } else length += length >> 1;
  }
}

function checkCells({ row, fields }: CsvRecord, { cellMaxBytes }: CsvLimits): void {
  for (let column = 0; column < fields.length; column++) {
    const cell = fields[column] ?? "";
    if (cell.length * 3 > cellMaxBytes && Buffer.byteLength(cell) > cellMaxBytes) {
      throw new DomainError(
        "too_large",
        `Row ${row}, column ${column + 1}: the cell has ${Buffer.byteLength(cell)} bytes. At most ${cellMaxBytes} are allowed (CELL_MAX_BYTES).`,
      );
    }
  }
}

function checkColumns({ row, fields }: CsvRecord, { uploadMaxColumns }: CsvLimits): void {
  if (fields.length <= uploadMaxColumns) return;
  throw new DomainError(
    "too_large",
    `Row ${row} has ${fields.length} columns. At most ${uploadMaxColumns} are allowed (UPLOAD_MAX_COLUMNS).`,
  );
}

function tooLongRow(row: number, maxChars: number): DomainError {
  return new DomainError(
    "too_large",
    `Row ${row} opens a quote that is never closed, or has more than ${maxChars} characters, the limit for a row (${RECORD_CELLS} x CELL_MAX_BYTES).`,
  );
}

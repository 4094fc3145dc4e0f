/** Reads the records of a stream of text, within limits. */
import { copyText, countBytes } from "#csv/bytes";
import { DomainError } from "../../errors.ts";
import { BLOCK_CHARS, type CsvParser, type CsvRecord } from "./parser.ts";

export interface CsvLimits {
  readonly cellMaxBytes: number;
  readonly headerNameMaxBytes: number;
  readonly uploadMaxColumns: number;
  readonly uploadMaxRows: number;
  /** The name of that limit in messages. Absent: UPLOAD_MAX_ROWS. */
  readonly maxRowsName?: string;
  /** Absent: the memory of long rows is not limited. */
  readonly longRow?: LongRow;
}

/** The right to read a row of more than `LONG_ROW_CHARS`. */
export interface LongRow {
  /** Waits until the process has memory for such a row; at once if this is held already. */
  hold(): Promise<void>;
  release(): void;
  /** Whether another row waits for this one. */
  readonly isWanted: boolean;
}

/** A record can be this many times larger than a cell. This limits how much text one unclosed quote can swallow. */
export const RECORD_CELLS = 4;
export const LONG_ROW_CHARS = 262_144;
/** The time that a client has for a long row if others wait for its memory. */
const LONG_ROW_MS = 20_000;

/** The part of a text that has arrived and is not yet parsed. */
export class TextWindow {
  content = "";
  isEnd = false;
  readonly #pieces: AsyncGenerator<string>;
  readonly #maxChars: number;
  readonly #longRow: LongRow | undefined;
  /** How long the client has been waited for during a long row. */
  #waitedMs = 0;

  constructor(pieces: AsyncGenerator<string>, limits: CsvLimits) {
    this.#pieces = pieces;
    this.#maxChars = limits.cellMaxBytes * RECORD_CELLS;
    this.#longRow = limits.longRow;
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
    const { length } = this.content;
    if (length > this.#maxChars) throw tooLongRow(row, this.#maxChars);
    if (!this.isLong) return this.fill(length + Math.max(1, length >> 1));
    await this.#longRow?.hold();
    const startedAt = performance.now();
    await this.fill(length + (length >> 1));
    this.#waitedMs += performance.now() - startedAt;
    if (this.#waitedMs > LONG_ROW_MS && this.#longRow?.isWanted) throw tooSlowRow(row);
  }

  get isLong(): boolean {
    return this.content.length > LONG_ROW_CHARS;
  }

  /** Lets another long row have its turn. Call it when the records that were parsed last are no longer needed. */
  async endTurn(): Promise<void> {
    this.#waitedMs = 0;
    this.#longRow?.release();
    if (this.isLong) await this.#longRow?.hold();
  }

  drop(length: number): void {
    const { content } = this;
    const rest = content.slice(length);
    // A slice keeps the whole text in memory.
    const mustCopy = content.length > LONG_ROW_CHARS && rest.length < content.length / 2;
    this.content = mustCopy ? copyText(rest) : rest;
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
    this.#longRow?.release();
    await this.#pieces.return(undefined);
  }
}

/**
 * Yields blocks of records as they arrive. An empty block follows one with a long row.
 * @throws DomainError `too_large` that names the row
 */
export async function* readRecords(
  window: TextWindow,
  parser: CsvParser,
  limits: CsvLimits,
): AsyncGenerator<CsvRecord[]> {
  let length = BLOCK_CHARS;
  for (;;) {
    const { content, isLong: wasLong } = window;
    const isWhole = length >= content.length;
    const isEnd = isWhole && window.isEnd;
    const piece = isWhole ? content : content.slice(0, length);
    // A CR at the end may be half of a CRLF.
    const text = !isEnd && piece.endsWith("\r") ? piece.slice(0, -1) : piece;
    const { records, rest } = parser.parse(text, isEnd);
    window.drop(rest);
    checkRecords(records, text.length, limits);
    if (records.length > 0) yield records;
    if (wasLong && records.length > 0 && (!window.isLong || text.length > LONG_ROW_CHARS)) {
      // Suspended generators keep what they passed on last.
      yield [];
      await window.endTurn();
    }
    if (isEnd && rest === text.length) return;
    if (rest > 0) length = BLOCK_CHARS;
    else if (isWhole) {
      await window.extend(parser.row + 1);
      length = window.content.length;
    } else length += length >> 1;
  }
}

function checkRecords(records: readonly CsvRecord[], chars: number, limits: CsvLimits): void {
  // A UTF-16 code unit takes at most three bytes of UTF-8.
  const mayBeTooLong = chars * 3 > limits.cellMaxBytes;
  for (const { row, fields } of records) {
    if (mayBeTooLong)
      for (let column = 0; column < fields.length; column++)
        checkCell(row, column, fields[column] ?? "", limits);
    checkColumns(row, fields.length, limits);
  }
}

/** @throws DomainError `too_large` that names the row and the column */
export function checkCell(row: number, column: number, cell: string, { cellMaxBytes }: CsvLimits): void {
  if (cell.length * 3 > cellMaxBytes && countBytes(cell) > cellMaxBytes) {
    throw new DomainError(
      "too_large",
      `Row ${row}, column ${column + 1}: the cell has ${countBytes(cell)} bytes. At most ${cellMaxBytes} are allowed (CELL_MAX_BYTES).`,
    );
  }
}

/** @throws DomainError `too_large` that names the row */
export function checkColumns(row: number, columns: number, { uploadMaxColumns }: CsvLimits): void {
  if (columns <= uploadMaxColumns) return;
  throw new DomainError(
    "too_large",
    `Row ${row} has ${columns} columns. At most ${uploadMaxColumns} are allowed (UPLOAD_MAX_COLUMNS).`,
  );
}

function tooLongRow(row: number, maxChars: number): DomainError {
  return new DomainError(
    "too_large",
    `Row ${row} opens a quote that is never closed, or has more than ${maxChars} characters, the limit for a row (${RECORD_CELLS} x CELL_MAX_BYTES).`,
  );
}

function tooSlowRow(row: number): DomainError {
  const message = `Row ${row} has more than ${LONG_ROW_CHARS} characters, and did not arrive within ${LONG_ROW_MS / 1000} seconds while others waited. Send the file on a faster connection.`;
  return new DomainError("too_slow", message);
}

/** Bytes in, CSV records out: decoded and parsed while streaming, so memory stays flat whatever the file's size. */
import Papa from "papaparse";
import { DomainError } from "../errors.ts";

export interface CsvRecord {
  /** As a spreadsheet shows it: the first line is row 1, blank lines count. */
  readonly row: number;
  readonly fields: string[];
  /** What is wrong with the record as CSV, null where nothing is. */
  readonly problem: string | null;
}

export interface CsvLimits {
  readonly cellMaxBytes: number;
}

/** A record may have this many times the bytes of its largest cell, which bounds what one bad quote can swallow. */
const RECORD_CELLS = 4;

const DIALECT = { delimiter: ",", newline: "\n", quoteChar: '"', escapeChar: '"' } as const;

/**
 * Yields the records of a file in source order, a network chunk's worth at a time. Blank lines are left out.
 * Line breaks CRLF and CR become LF, also inside quoted cells: papaparse takes one kind, and files mix them.
 * @throws DomainError `too_large` or `invalid_input`, naming the row
 */
export async function* readCsv(
  source: AsyncIterable<Uint8Array>,
  limits: CsvLimits,
): AsyncGenerator<CsvRecord[]> {
  const recordMaxChars = limits.cellMaxBytes * RECORD_CELLS;
  let rest = "";
  let row = 0;

  const take = (text: string, isLast: boolean): CsvRecord[] => {
    const records: CsvRecord[] = [];
    const cut = cutRecords(text, isLast);
    rest = cut.rest;
    for (const { fields, problem } of cut.records) {
      row++;
      if (problem === UNCLOSED) throw unclosedQuote(row);
      if (fields.length === 1 && fields[0] === "") continue;
      checkCells(fields, row, limits);
      records.push({ row, fields, problem });
    }
    if (rest.length > recordMaxChars) throw unclosedQuote(row + 1, recordMaxChars);
    return records;
  };

  for await (const text of decode(source)) {
    const records = take(rest + text, false);
    if (records.length > 0) yield records;
  }
  if (rest) {
    const records = take(rest, true);
    if (records.length > 0) yield records;
  }
}

type CutRecord = Pick<CsvRecord, "fields" | "problem">;

const UNCLOSED = "unclosed";
const MALFORMED = "A quote inside a quoted cell is not doubled, so its cells can't be told apart.";

const parser = new Papa.Parser(DIALECT);

/** Behind a malformed quote so much text is looked at first, then twice as much each time that all is well. */
const FIRST_WINDOW = 256;

/**
 * Cuts text into records, and what may go on in the next chunk. Behind a quote that is out of place papaparse looks for
 * the next one that fits, and swallows the rows between; here such a record ends with its line, as in Python's csv.
 * What follows is parsed in growing windows: were it parsed to its end each time, a file of nothing but malformed
 * quotes would take time by the square.
 */
function cutRecords(text: string, isLast: boolean): { records: CutRecord[]; rest: string } {
  const records: CutRecord[] = [];
  let window = text.length;
  for (let from = 0; ; ) {
    const to = Math.min(text.length, from + window);
    const isEnd = to === text.length;
    const piece = text.slice(from, to);
    const parsed: Papa.ParseResult<string[]> = parser.parse(piece, 0, !(isEnd && isLast));
    const malformed = parsed.errors.find(({ code }) => code === "InvalidQuotes");
    const good = parsed.data.slice(0, malformed?.row);
    for (const fields of good) records.push({ fields, problem: null });
    if (!malformed) {
      const last = parsed.errors.some(({ code }) => code === "MissingQuotes") ? records.pop() : undefined;
      if (last) records.push({ ...last, problem: UNCLOSED });
      from += parsed.meta.cursor;
      if (isEnd) return { records, rest: isLast ? "" : text.slice(from) };
      window *= 2;
      continue;
    }
    const start = from + endOfRecords(piece, good.length);
    const lineEnd = text.indexOf("\n", misplacedQuote(text, from + (malformed.index ?? 0)));
    if (!isEnd && (lineEnd === -1 || lineEnd >= to)) {
      // Not all of the line was looked at: it may be no more than a blank before a delimiter.
      from = start;
      window *= 2;
      continue;
    }
    if (lineEnd === -1 && !isLast) return { records, rest: text.slice(start) };
    const end = lineEnd === -1 ? text.length : lineEnd;
    records.push({ fields: text.slice(start, end).split(DIALECT.delimiter), problem: MALFORMED });
    if (lineEnd === -1 || lineEnd === text.length - 1) return { records, rest: "" };
    from = lineEnd + 1;
    window = FIRST_WINDOW;
  }
}

/** Where in `text` the first `count` records end. */
function endOfRecords(text: string, count: number): number {
  if (count === 0) return 0;
  const parsed: Papa.ParseResult<string[]> = new Papa.Parser({ ...DIALECT, preview: count }).parse(
    text,
    0,
    true,
  );
  return parsed.meta.cursor;
}

/** The first quote of the quoted cell that begins at `start` that is not one of a pair. */
function misplacedQuote(text: string, start: number): number {
  let at = text.indexOf('"', start);
  while (at !== -1 && text[at + 1] === '"') at = text.indexOf('"', at + 2);
  return at === -1 ? text.length : at;
}

/**
 * Text of a byte stream: UTF-16 where a byte order mark says so, else UTF-8. A character split between chunks
 * stays whole; bytes that are not UTF-8 become U+FFFD, which the rows' rules refuse.
 */
async function* decode(source: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let decoder: InstanceType<typeof TextDecoder> | null = null;
  let heldBack = "";
  for await (const bytes of withWholeMark(source)) {
    decoder ??= new TextDecoder(encodingOf(bytes));
    let text = heldBack + decoder.decode(bytes, { stream: true });
    // A CR at the end may be half of a CRLF.
    heldBack = text.endsWith("\r") ? "\r" : "";
    if (heldBack) text = text.slice(0, -1);
    if (text) yield unixLineBreaks(text);
  }
  const end = heldBack + (decoder?.decode() ?? "");
  if (end) yield unixLineBreaks(end);
}

/** The same bytes, the first two of them in one piece. */
async function* withWholeMark(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let head: Uint8Array | null = new Uint8Array();
  for await (const bytes of source) {
    if (!head) {
      yield bytes;
      continue;
    }
    head = Buffer.concat([head, bytes]);
    if (head.length < 2) continue;
    yield head;
    head = null;
  }
  if (head && head.length > 0) yield head;
}

function encodingOf(start: Uint8Array): string {
  if (start[0] === 0xff && start[1] === 0xfe) return "utf-16le";
  if (start[0] === 0xfe && start[1] === 0xff) return "utf-16be";
  return "utf-8";
}

function unixLineBreaks(text: string): string {
  return text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text;
}

function checkCells(fields: string[], row: number, { cellMaxBytes }: CsvLimits): void {
  for (const [index, field] of fields.entries()) {
    // A UTF-16 code unit takes at most three bytes of UTF-8.
    if (field.length * 3 > cellMaxBytes && Buffer.byteLength(field) > cellMaxBytes) {
      throw new DomainError(
        "too_large",
        `Row ${row}, column ${index + 1}: the cell has ${Buffer.byteLength(field)} bytes; CELL_MAX_BYTES is ${cellMaxBytes}.`,
      );
    }
  }
}

function unclosedQuote(row: number, maxChars?: number): DomainError {
  const where = `Row ${row} opens a quote that is never closed`;
  return maxChars === undefined
    ? new DomainError("invalid_input", `${where}. Close it, or double the quotes inside the cell.`)
    : new DomainError(
        "too_large",
        `${where}, or is longer than ${maxChars} characters, the most a row may have (${RECORD_CELLS} x CELL_MAX_BYTES).`,
      );
}

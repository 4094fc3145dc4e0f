/** Decodes and parses a stream of bytes into CSV records. The memory it needs does not depend on the size of the file. */
import { guessSyntax } from "./dialect.ts";
import { type CsvHeader, readHeader } from "./header.ts";
import { areNames, findLayout, type Layout } from "./layout.ts";
import { type CsvOptions, checkOptions } from "./options.ts";
import { CsvParser, type CsvRecord } from "./parser.ts";
import { type CsvLimits, type LongRow, readRecords, TextWindow } from "./reader.ts";
import { isBlankRow } from "./sample.ts";
import type { Escape } from "./syntax.ts";
import { type CsvWarnings, countExtraFields, noWarnings, tableRows } from "./table-rows.ts";
import { BLOCK_BYTES, decodeText, newDecoded } from "./text.ts";

export { type CsvLimits, type CsvOptions, type CsvRecord, countExtraFields, type LongRow };

/** How a file is written. */
export interface Dialect {
  readonly encoding: string;
  /** From 0 to 1. 1: the encoding was given, or the bytes prove it. Below 1, it is a guess. */
  readonly encoding_confidence: number;
  readonly bom: boolean;
  /** As in the options. */
  readonly delimiter: string;
  /** From 0 to 1; 1 if it was given. */
  readonly delimiter_confidence: number;
  readonly quote: string;
  readonly escape: Escape;
  /** Whether a quote after blanks opens a quoted cell. */
  readonly padded_quotes: boolean;
  readonly newline: "lf" | "crlf" | "cr" | "mixed";
  readonly header: boolean;
  /** From 0 to 1; 1 if it was given. */
  readonly header_confidence: number;
  readonly header_from: "guessed" | "given";
  /** The number of records that have the column names. */
  readonly header_rows: number;
  /** The number of lines before the header that were given to be skipped. */
  readonly skip_lines: number;
  /** The number of rows above the table that were recognized as no part of it. */
  readonly preamble_rows: number;
}

export interface Csv {
  /** null: the file has no records. */
  readonly header: CsvHeader | null;
  /**
   * All records after the header, in order. They can be read once. Empty fields beyond the columns are removed.
   * @throws DomainError that names the row or the limit
   */
  readonly records: AsyncGenerator<CsvRecord[]>;
  /** The dialect so far: encoding, escape and line ends may change while the file is read. */
  readonly dialect: Dialect;
  readonly warnings: Readonly<CsvWarnings>;
}

/**
 * Reads the beginning of the file, and finds its dialect and header.
 * @throws DomainError `too_large` with the name and value of the limit, or `invalid_input`
 */
export async function openCsv(
  source: AsyncIterable<Uint8Array>,
  options: CsvOptions,
  limits: CsvLimits,
): Promise<Csv> {
  checkOptions(options);
  const decoded = newDecoded();
  const window = new TextWindow(decodeText(source, decoded, options.encoding), limits);
  try {
    await window.fill(BLOCK_BYTES);
    const separator = /^"?sep=([^\r\n"])"?[\r\n]/i.exec(window.content)?.[1];
    const skipped = options.skipLines ?? (separator === undefined ? 0 : 1);
    for (let row = 1; row <= skipped; row++) await window.skipLine(row);
    await window.fill(BLOCK_BYTES);
    const block = window.content.slice(0, BLOCK_BYTES);
    const isWhole = window.isEnd && block.length === window.content.length;
    const delimiter = options.delimiter ?? (separator === options.quote ? undefined : separator);
    const known = { delimiter, quote: options.quote, escape: options.escape };
    const { syntax, sample, isTable, confidence } = guessSyntax(block, isWhole, known);
    const { header: givenHeader, headerRows: givenRows } = options;
    const isStart = options.skipLines !== undefined;
    const layout = findLayout(sample, isTable, { isStart, header: givenHeader, headerRows: givenRows });
    const parser = new CsvParser(syntax, {
      row: skipped,
      width: sample.width,
      maxCellChars: limits.cellMaxBytes,
    });
    const blocks = readRecords(window, parser, limits);
    const { header: headerRows, rest } = await splitHeader(blocks, layout, skipped);
    const below = sample.records.slice(layout.preambleRecords + layout.headerRows);
    // A table of blank rows has no sample.
    const sampled = (sample.records.length > 0 ? below : rest.slice(0, 1)).map(({ fields }) => fields);
    const hasRecords = headerRows.length > 0 || rest.length > 0;
    const header = hasRecords ? readHeader(headerRows, sampled, options.columns, limits) : null;
    const warnings = noWarnings();
    const table = {
      width: header?.names.length ?? 0,
      header: repeatable(headerRows.at(-1)),
      keepsBlankRows: options.skipBlankRows === false,
      keepsLaterTables: options.tables === "all",
      decoded,
    };

    async function* records(): AsyncGenerator<CsvRecord[]> {
      try {
        yield* tableRows(inOrder(rest, blocks), table, warnings, limits);
      } finally {
        await window.close();
      }
    }
    return {
      header,
      warnings,
      records: records(),
      get dialect(): Dialect {
        return {
          encoding: decoded.encoding,
          encoding_confidence: decoded.confidence,
          bom: decoded.bom,
          delimiter: syntax.delimiter + (syntax.blanks === "delimiter" ? " " : ""),
          delimiter_confidence: rounded(confidence),
          quote: syntax.quote,
          escape: parser.escape,
          padded_quotes: syntax.blanks !== "text",
          newline: newlineOf(parser),
          header: layout.headerRows > 0,
          header_confidence: layout.confidence,
          header_from: givenHeader === undefined && givenRows === undefined ? "guessed" : "given",
          header_rows: layout.headerRows,
          skip_lines: skipped,
          preamble_rows: layout.preambleRows,
        };
      },
    };
  } catch (error) {
    await window.close();
    throw error;
  }
}

/** Leaves out the rows above the table, and separates its header from the first other rows. */
async function splitHeader(
  blocks: AsyncGenerator<CsvRecord[]>,
  { headerRows, preambleRows }: Layout,
  skipped: number,
): Promise<{ header: CsvRecord[]; rest: CsvRecord[] }> {
  const header: CsvRecord[] = [];
  for (;;) {
    const next = await blocks.next();
    if (next.done) return { header, rest: [] };
    const rest = next.value.filter(({ row }) => row > skipped + preambleRows);
    while (header.length < headerRows && rest.length > 0) {
      const record = rest.shift();
      if (record && !isBlankRow(record.fields)) header.push(record);
    }
    if (header.length === headerRows && header.length + rest.length > 0) return { header, rest };
  }
}

async function* inOrder(first: CsvRecord[], rest: AsyncGenerator<CsvRecord[]>): AsyncGenerator<CsvRecord[]> {
  // Taken out, so that they do not stay in memory as long as the file is read.
  if (first.length > 0) yield first.splice(0);
  yield* rest;
}

/** Returns the names that begin another table if they are repeated; null if the header could be a row. */
function repeatable(header: CsvRecord | undefined): readonly string[] | null {
  return header && areNames(header.fields) ? header.fields.map((name) => name.trim()) : null;
}

function rounded(confidence: number): number {
  return Math.round(confidence * 100) / 100;
}

function newlineOf({ newlines }: CsvParser): Dialect["newline"] {
  const seen = (["lf", "crlf", "cr"] as const).filter((kind) => newlines[kind]);
  return seen.length > 1 ? "mixed" : (seen[0] ?? "lf");
}

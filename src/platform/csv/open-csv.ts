/** Decodes and parses a stream of bytes into CSV records. The memory it needs does not depend on the size of the file. */
import { guessSyntax } from "./dialect.ts";
import { openTable, type Table, type TableDialect } from "./open-table.ts";
import { type CsvOptions, checkOptions } from "./options.ts";
import { CsvParser, type CsvRecord } from "./parser.ts";
import { type CsvLimits, type LongRow, readRecords, TextWindow } from "./reader.ts";
import type { Escape } from "./syntax.ts";
import { countExtraFields } from "./table-rows.ts";
import { BLOCK_BYTES, decodeText, newDecoded } from "./text.ts";

export { type CsvLimits, type CsvOptions, type CsvRecord, countExtraFields, type LongRow };

/** How a file is written. */
export interface Dialect extends TableDialect {
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
}

export type Csv = Table<Dialect>;

/**
 * Reads the beginning of the file, and finds its dialect and header.
 * @throws DomainError `too_large` with the name and value of the limit, or `invalid_input`
 */
export async function openCsv(
  bytes: AsyncIterable<Uint8Array>,
  options: CsvOptions,
  limits: CsvLimits,
): Promise<Csv> {
  checkOptions(options);
  const decoded = newDecoded();
  const window = new TextWindow(decodeText(bytes, decoded, options.encoding), limits);
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
    const parser = new CsvParser(syntax, {
      row: skipped,
      width: sample.width,
      maxCellChars: limits.cellMaxBytes,
    });
    const blocks = readRecords(window, parser, limits);
    const source = {
      blocks,
      sample: sample.records,
      isTable,
      skipped,
      decoded,
      isRagged: false,
      close: () => window.close(),
    };
    const { layout, ...table } = await openTable(source, options, limits);
    return {
      ...table,
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
          ...layout,
        };
      },
    };
  } catch (error) {
    await window.close();
    throw error;
  }
}

function rounded(confidence: number): number {
  return Math.round(confidence * 100) / 100;
}

function newlineOf({ newlines }: CsvParser): Dialect["newline"] {
  const seen = (["lf", "crlf", "cr"] as const).filter((kind) => newlines[kind]);
  return seen.length > 1 ? "mixed" : (seen[0] ?? "lf");
}

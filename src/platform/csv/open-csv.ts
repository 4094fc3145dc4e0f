/** Decodes and parses a stream of bytes into CSV records. The memory it needs does not depend on the size of the file. */
import { DomainError, invalidField } from "../../errors.ts";
import { guessSyntax } from "./dialect.ts";
import { CsvParser, type CsvRecord, type Escape } from "./parser.ts";
import { type CsvLimits, readRecords, TextWindow } from "./reader.ts";
import { BLOCK_BYTES, type Decoded, decodeText, isGuess, newDecoded } from "./text.ts";

export type { CsvLimits, CsvRecord };

/** The known properties of a file. Missing ones are guessed from its first 64 KiB. */
export interface CsvOptions {
  /** A name of `ENCODINGS`. */
  readonly encoding?: string | undefined;
  /** One character. */
  readonly delimiter?: string | undefined;
  /** One character; empty: cells are never quoted. */
  readonly quote?: string | undefined;
  readonly escape?: Escape | undefined;
  /** Whether the first record has the names of the columns. Absent: true. */
  readonly header?: boolean | undefined;
  /** The names of the columns, instead of those in the header. */
  readonly columns?: readonly string[] | undefined;
  /** The number of lines before the header. */
  readonly skipLines?: number | undefined;
}

/** How a file is written. */
export interface Dialect {
  readonly encoding: string;
  /** From 0 to 1. 1: the encoding was given, or the bytes prove it. Below 1, it is a guess. */
  readonly encoding_confidence: number;
  readonly bom: boolean;
  readonly delimiter: string;
  readonly quote: string;
  readonly escape: Escape;
  /** Whether a quote after blanks opens a quoted cell. */
  readonly padded_quotes: boolean;
  readonly newline: "lf" | "crlf" | "cr" | "mixed";
  readonly header: boolean;
  readonly skip_lines: number;
}

/** The numbers of rows that are accepted in spite of a problem, by problem. */
interface CsvWarnings {
  /** Rows with fewer fields than columns. The missing fields are empty. */
  missing_fields: number;
  /** Rows with more fields than columns, not counting empty ones at the end. */
  extra_fields: number;
  /** Rows with U+FFFD, which replaces bytes that are invalid in the encoding. */
  replaced_characters: number;
  /** Rows with characters beyond ASCII in an encoding that was guessed. */
  guessed_characters: number;
}

interface CsvHeader {
  /** null: the file has no header. */
  readonly row: number | null;
  readonly names: readonly string[];
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
 * Reads the beginning of the file, and finds its dialect and header. Names are trimmed, and empty names at the end of the
 * header are removed if their columns are empty.
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
    const sample = window.content.slice(0, BLOCK_BYTES);
    const isWhole = window.isEnd && sample.length === window.content.length;
    const hasHeader = options.header ?? true;
    const known = { delimiter: options.delimiter ?? separator, quote: options.quote, escape: options.escape };
    const syntax = guessSyntax(sample, isWhole, known, hasHeader);
    const parser = new CsvParser(syntax, skipped);
    const blocks = readRecords(window, parser, limits);
    const first = await blocks.next();
    const firstBlock = first.done ? [] : first.value;
    // The first block depends on the network, the sample does not.
    const sampled = new CsvParser(syntax).parse(sample, isWhole).records;
    const header = firstBlock[0] ? readHeader(firstBlock[0], sampled, options, limits) : null;
    const warnings: CsvWarnings = {
      missing_fields: 0,
      extra_fields: 0,
      replaced_characters: 0,
      guessed_characters: 0,
    };
    const columns = header?.names.length ?? 0;

    async function* records(): AsyncGenerator<CsvRecord[]> {
      let rows = 0;
      try {
        for await (const block of inOrder(hasHeader ? firstBlock.slice(1) : firstBlock, blocks)) {
          rows += block.length;
          if (rows > limits.uploadMaxRows) throw tooManyRows(limits);
          for (const { fields } of block) adaptFields(fields, columns, decoded, warnings);
          yield block;
        }
      } finally {
        await window.close();
      }
    }
    return {
      header,
      warnings,
      records: records(),
      get dialect() {
        return {
          encoding: decoded.encoding,
          encoding_confidence: decoded.confidence,
          bom: decoded.bom,
          delimiter: syntax.delimiter,
          quote: syntax.quote,
          escape: parser.escape,
          padded_quotes: syntax.padded,
          newline: newlineOf(parser),
          header: hasHeader,
          skip_lines: skipped,
        };
      },
    };
  } catch (error) {
    await window.close();
    throw error;
  }
}

async function* inOrder(first: CsvRecord[], rest: AsyncGenerator<CsvRecord[]>): AsyncGenerator<CsvRecord[]> {
  if (first.length > 0) yield first;
  yield* rest;
}

/** Removes empty fields beyond the columns, and counts the problems of a row. */
function adaptFields(fields: string[], columns: number, decoded: Decoded, warnings: CsvWarnings): void {
  if (fields.length < columns) warnings.missing_fields++;
  else if (fields.length > columns) {
    const extra = countExtraFields(fields, columns);
    fields.length = columns + extra;
    if (extra > 0) warnings.extra_fields++;
  }
  if (decoded.replaced && fields.some((field) => field.includes("\uFFFD"))) warnings.replaced_characters++;
  if (isGuess(decoded) && fields.some((field) => BEYOND_ASCII.test(field))) warnings.guessed_characters++;
}

const BEYOND_ASCII = /[^\0-\x7f]/;

/** Returns the number of fields beyond the columns, not counting empty ones at the end, which have no data. */
export function countExtraFields(fields: readonly string[], columns: number): number {
  let length = fields.length;
  while (length > columns && fields[length - 1] === "") length--;
  return Math.max(0, length - columns);
}

/** @param sampled the first records, which show the number of columns */
function readHeader(
  first: CsvRecord,
  sampled: readonly CsvRecord[],
  options: CsvOptions,
  limits: CsvLimits,
): CsvHeader {
  const chosen = options.columns?.map((name) => name.trim());
  if (options.header === false) {
    const width = sampled.reduce((most, { fields }) => Math.max(most, fields.length), first.fields.length);
    const names = chosen ?? Array.from({ length: width }, (_, at) => `column_${at + 1}`);
    return { row: null, names: checkNames(names, limits) };
  }
  if (first.problem) throw invalidField("file", `The header is not valid CSV. ${first.problem}`);
  const names = first.fields.map((name) => name.trim());
  const filled = sampled
    .slice(1)
    .reduce((most, { fields }) => Math.max(most, fields.findLastIndex((field) => field !== "") + 1), 1);
  while (names.length > filled && names.at(-1) === "") names.pop();
  if (chosen && chosen.length !== names.length) {
    const found = `the header in row ${first.row} has ${names.length}: ${names.join(", ").slice(0, 500)}`;
    throw invalidField("columns", `has ${chosen.length} names, but ${found}. Send one name per column.`);
  }
  return { row: first.row, names: checkNames(chosen ?? names, limits) };
}

function checkNames(names: readonly string[], { headerNameMaxBytes }: CsvLimits): readonly string[] {
  for (const [index, name] of names.entries()) {
    const bytes = Buffer.byteLength(name);
    if (bytes <= headerNameMaxBytes) continue;
    throw new DomainError(
      "too_large",
      `The name of column ${index + 1} has ${bytes} bytes. At most ${headerNameMaxBytes} are allowed (HEADER_NAME_MAX_BYTES).`,
    );
  }
  return names;
}

function checkOptions({ delimiter, quote, columns, skipLines }: CsvOptions): void {
  const isOne = (text: string) => /^[^\r\n]$/.test(text);
  if (delimiter !== undefined && !isOne(delimiter)) {
    throw invalidField("delimiter", "must be one character, but not a line break.");
  }
  if (quote && !isOne(quote))
    throw invalidField("quote", "must be one character or none, but not a line break.");
  if (delimiter !== undefined && delimiter === quote) {
    throw invalidField("delimiter", "must differ from the quote.");
  }
  if (skipLines !== undefined && !(Number.isSafeInteger(skipLines) && skipLines >= 0)) {
    throw invalidField("skip_lines", "must be a whole number, 0 or more.");
  }
  if (columns?.length === 0) {
    throw invalidField("columns", "must have at least one name. Leave it out to use the header.");
  }
}

function newlineOf({ newlines }: CsvParser): Dialect["newline"] {
  const seen = (["lf", "crlf", "cr"] as const).filter((kind) => newlines[kind]);
  return seen.length > 1 ? "mixed" : (seen[0] ?? "lf");
}

function tooManyRows({ uploadMaxRows }: CsvLimits): DomainError {
  return new DomainError(
    "too_large",
    `The file has more than ${uploadMaxRows} rows (UPLOAD_MAX_ROWS). Split it into smaller files.`,
  );
}

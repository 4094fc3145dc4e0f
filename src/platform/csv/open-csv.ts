/** Bytes in, CSV records out: decoded and parsed while streaming, so memory stays flat whatever the file's size. */
import { DomainError, invalidField } from "../../errors.ts";
import { guessSyntax } from "./dialect.ts";
import { CsvParser, type CsvRecord, type Escape } from "./parser.ts";
import { type CsvLimits, readRecords, TextWindow } from "./reader.ts";
import { BLOCK_BYTES, type Decoded, decodeText, ENCODINGS, type Encoding } from "./text.ts";

export { type CsvLimits, type CsvRecord, ENCODINGS };

/** What is known of a file; the rest is found out from its first 64 KiB. */
export interface CsvOptions {
  readonly encoding?: Encoding | undefined;
  /** One character. */
  readonly delimiter?: string | undefined;
  /** One character, or empty: then cells are never quoted. */
  readonly quote?: string | undefined;
  readonly escape?: Escape | undefined;
  /** Whether the first record has the columns' names, as it has by default. */
  readonly header?: boolean | undefined;
  /** The columns' names, in place of the header's. */
  readonly columns?: readonly string[] | undefined;
  /** How many lines come before the header. */
  readonly skipLines?: number | undefined;
}

/** How a file is written. */
export interface Dialect {
  readonly encoding: Encoding;
  readonly bom: boolean;
  readonly delimiter: string;
  readonly quote: string;
  readonly escape: Escape;
  /** Whether a quote opens a cell where blanks come before it, too. */
  readonly padded_quotes: boolean;
  readonly newline: "lf" | "crlf" | "cr" | "mixed";
  readonly header: boolean;
  readonly skip_lines: number;
}

/** How many rows are kept though there is something odd about them, by what it is. */
interface CsvWarnings {
  /** Fewer fields than columns: those missing are empty. */
  missing_fields: number;
  /** More fields than columns, and not just empty ones at the end. */
  extra_fields: number;
  /** U+FFFD in a field, which stands for bytes that fit no encoding. */
  replaced_characters: number;
}

interface CsvHeader {
  /** Null where the file has none. */
  readonly row: number | null;
  readonly names: readonly string[];
}

export interface Csv {
  /** Null where the file has no record at all. */
  readonly header: CsvHeader | null;
  /**
   * All records but the header in source order, to be read once; empty fields beyond the columns are cut off.
   * @throws DomainError that names row or limit
   */
  readonly records: AsyncGenerator<CsvRecord[]>;
  /** As far as the file is read: encoding, escape and line ends may show late. */
  readonly dialect: Dialect;
  readonly warnings: Readonly<CsvWarnings>;
}

/**
 * Reads what it takes to tell a file's dialect and its header. Names are trimmed; of a header that ends in
 * delimiters, the empty names go where nothing is below them.
 * @throws DomainError `too_large` with the limit's name and value, or `invalid_input`
 */
export async function openCsv(
  source: AsyncIterable<Uint8Array>,
  options: CsvOptions,
  limits: CsvLimits,
): Promise<Csv> {
  checkOptions(options);
  const decoded: Decoded = { encoding: options.encoding ?? "utf-8", bom: false, replaced: false };
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
    const given = { delimiter: options.delimiter ?? separator, quote: options.quote, escape: options.escape };
    const syntax = guessSyntax(sample, isWhole, given, hasHeader);
    const parser = new CsvParser(syntax, skipped);
    const blocks = readRecords(window, parser, limits);
    const first = await blocks.next();
    const firstBlock = first.done ? [] : first.value;
    // Not all of the first block, whose length is the network's.
    const sampled = new CsvParser(syntax).parse(sample, isWhole).records;
    const header = firstBlock[0] ? readHeader(firstBlock[0], sampled, options, limits) : null;
    const warnings: CsvWarnings = { missing_fields: 0, extra_fields: 0, replaced_characters: 0 };
    const columns = header?.names.length ?? 0;

    let rows = 0;
    const watch = (records: CsvRecord[]) => {
      rows += records.length;
      if (rows > limits.uploadMaxRows) throw tooManyRows(limits);
      for (const { fields } of records) {
        if (fields.length < columns) warnings.missing_fields++;
        else if (fields.length > columns) {
          const extra = countExtraFields(fields, columns);
          fields.length = columns + extra;
          if (extra > 0) warnings.extra_fields++;
        }
        if (decoded.replaced && fields.some((field) => field.includes("\uFFFD")))
          warnings.replaced_characters++;
      }
      return records;
    };
    async function* records(): AsyncGenerator<CsvRecord[]> {
      try {
        const rest = hasHeader ? firstBlock.slice(1) : firstBlock;
        if (rest.length > 0) yield watch(rest);
        for await (const block of blocks) yield watch(block);
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

/** How many fields a row has beyond the columns. Empty ones at its end don't count: delimiters too many, and no data. */
export function countExtraFields(fields: readonly string[], columns: number): number {
  let length = fields.length;
  while (length > columns && fields[length - 1] === "") length--;
  return Math.max(0, length - columns);
}

/** @param sampled the first records, which tell how far the columns go */
function readHeader(
  first: CsvRecord,
  sampled: readonly CsvRecord[],
  options: CsvOptions,
  limits: CsvLimits,
): CsvHeader {
  const given = options.columns?.map((name) => name.trim());
  if (options.header === false) {
    const width = sampled.reduce((most, { fields }) => Math.max(most, fields.length), first.fields.length);
    const names = given ?? Array.from({ length: width }, (_, at) => `column_${at + 1}`);
    return { row: null, names: checkNames(names, limits) };
  }
  if (first.problem) throw invalidField("file", `The header can't be read. ${first.problem}`);
  const names = first.fields.map((name) => name.trim());
  const filled = sampled
    .slice(1)
    .reduce((most, { fields }) => Math.max(most, fields.findLastIndex((field) => field !== "") + 1), 1);
  while (names.length > filled && names.at(-1) === "") names.pop();
  if (given && given.length !== names.length) {
    const found = `the header in row ${first.row} has ${names.length}: ${names.join(", ").slice(0, 500)}`;
    throw invalidField("columns", `${given.length} names are given, and ${found}.`);
  }
  return { row: first.row, names: checkNames(given ?? names, limits) };
}

function checkNames(names: readonly string[], { headerNameMaxBytes }: CsvLimits): readonly string[] {
  for (const [index, name] of names.entries()) {
    const bytes = Buffer.byteLength(name);
    if (bytes <= headerNameMaxBytes) continue;
    throw new DomainError(
      "too_large",
      `Column ${index + 1}: its name has ${bytes} bytes; HEADER_NAME_MAX_BYTES is ${headerNameMaxBytes}.`,
    );
  }
  return names;
}

function checkOptions({ delimiter, quote, columns, skipLines }: CsvOptions): void {
  const isOne = (text: string) => /^[^\r\n]$/.test(text);
  if (delimiter !== undefined && !isOne(delimiter)) {
    throw invalidField("delimiter", "It must be one character, and no line break.");
  }
  if (quote && !isOne(quote))
    throw invalidField("quote", "It must be one character or none, and no line break.");
  if (delimiter !== undefined && delimiter === quote) {
    throw invalidField("delimiter", "It must not be the quote as well.");
  }
  if (skipLines !== undefined && !(Number.isSafeInteger(skipLines) && skipLines >= 0)) {
    throw invalidField("skip_lines", "It must be a whole number, 0 or more.");
  }
  if (columns?.length === 0) {
    throw invalidField("columns", "Give at least one name, or leave it out.");
  }
}

function newlineOf({ newlines }: CsvParser): Dialect["newline"] {
  const seen = (["lf", "crlf", "cr"] as const).filter((kind) => newlines[kind]);
  return seen.length > 1 ? "mixed" : (seen[0] ?? "lf");
}

function tooManyRows({ uploadMaxRows }: CsvLimits): DomainError {
  return new DomainError(
    "too_large",
    `The file has more than ${uploadMaxRows} rows, which is UPLOAD_MAX_ROWS.`,
  );
}

/** Reads text, CSV and Markdown as a stream, counts its content, and writes it as UTF-8. */
import { DomainError, Permanent } from "../../../errors.ts";
import { type CsvLimits, openCsv } from "../../../platform/csv/open-csv.ts";
import { decodeText, newDecoded } from "../../../platform/csv/text.ts";
import { MarkdownScan } from "./markdown.ts";
import type { DocumentKind } from "./recognize.ts";
import { TextCounts } from "./text-counts.ts";

export interface TextSource {
  readonly kind: Exclude<DocumentKind, "pdf">;
  readonly csvLimits: CsvLimits;
  /** Reads the file from the start; called twice for CSV. */
  chunks(): AsyncIterable<Uint8Array>;
  /** null: the text is not extracted. */
  readonly write: ((text: string) => Promise<void>) | null;
}

/** The limits of the column names in a result. */
const MAX_NAMES = 100;
const MAX_NAME_CHARS = 200;

export async function readText(source: TextSource) {
  const decoded = newDecoded();
  const counts = new TextCounts();
  const markdown = source.kind === "markdown" ? new MarkdownScan() : null;
  for await (const piece of decodeText(source.chunks(), decoded, undefined)) {
    counts.add(piece);
    markdown?.add(piece);
    await source.write?.(piece);
  }
  counts.end();
  markdown?.end();
  return {
    words: counts.words,
    lines: counts.lines,
    characters: counts.characters,
    encoding: decoded.encoding,
    encoding_confidence: decoded.confidence,
    byte_order_mark: decoded.bom,
    // U+FFFD replaces bytes that are invalid in the encoding.
    has_replaced_characters: decoded.replaced,
    ...(markdown && { markdown: markdown.counts }),
    ...(source.kind === "csv" && { csv: await readCsv(source) }),
  };
}

async function readCsv({ chunks, csvLimits }: TextSource) {
  try {
    const { header, records, dialect, warnings } = await openCsv(chunks(), {}, csvLimits);
    let rows = 0;
    let malformed = 0;
    for await (const block of records) {
      rows += block.length;
      malformed += block.filter(({ problem }) => problem !== null).length;
    }
    const names = header?.names ?? [];
    return {
      rows,
      columns: names.length,
      header: names.slice(0, MAX_NAMES).map((name) => name.slice(0, MAX_NAME_CHARS)),
      delimiter: dialect.delimiter,
      quote: dialect.quote,
      escape: dialect.escape,
      newline: dialect.newline,
      malformed_rows: malformed,
      rows_with_missing_fields: warnings.missing_fields,
      rows_with_extra_fields: warnings.extra_fields,
    };
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    const code = error.code === "too_large" ? "too_complex" : "damaged";
    throw new Permanent(code, error.message, { cause: error });
  }
}

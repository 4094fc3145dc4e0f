/** Detects the format of a document from its content. The name only decides between kinds of text. */
import { Permanent } from "../../../errors.ts";
import { detectFileType } from "../../../files/sniff.ts";

export type DocumentKind = "pdf" | "text" | "csv" | "markdown";

/** The size of the sample for `recognize`. */
export const SAMPLE_BYTES = 65_536;

/** The header of a PDF begins within the first bytes. */
const HEADER_BYTES = 1024;

/** Control characters that do not occur in text: all but tab, line ends, form feed and escape. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the expression finds control characters
const CONTROLS = /[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]/;
const UTF16_MARKS = ["\xff\xfe", "\xfe\xff"];

const FORMATS: Readonly<Record<string, string>> = {
  docx: "a Word document",
  xlsx: "an Excel workbook",
  pptx: "a PowerPoint presentation",
  odt: "an OpenDocument text",
  ods: "an OpenDocument spreadsheet",
  odp: "an OpenDocument presentation",
  epub: "an EPUB book",
  cfb: "an old Office file (Word, Excel or PowerPoint)",
  zip: "a ZIP archive",
  gz: "a gzip archive",
};

/** @throws Permanent `unsupported_format` that names the detected format */
export async function recognize(sample: Buffer, name: string): Promise<DocumentKind> {
  const start = sample.toString("latin1");
  if (isPdf(start)) return "pdf";
  if (start.startsWith("{\\rtf")) throw unsupported(name, "an RTF document");
  if (UTF16_MARKS.some((mark) => start.startsWith(mark))) return kindOfText(name);
  if (!CONTROLS.test(start)) return kindOfText(name);
  const type = await detectFileType(sample);
  const format = type ? (FORMATS[type.ext] ?? `${type.ext.toUpperCase()} (${type.mime})`) : "binary data";
  throw unsupported(name, format);
}

/** Like browsers, accepts other data before the header, such as HTTP headers or a PJL line. */
function isPdf(start: string): boolean {
  const [header] = /%PDF-\d/.exec(start.slice(0, HEADER_BYTES)) ?? [];
  if (header === undefined) return false;
  return start.trimStart().startsWith(header) || CONTROLS.test(start) || /\d+ obj\b/.test(start);
}

function kindOfText(name: string): DocumentKind {
  if (/\.(csv|tsv)$/i.test(name)) return "csv";
  return /\.(md|markdown|mdown)$/i.test(name) ? "markdown" : "text";
}

function unsupported(name: string, format: string): Permanent {
  const message = `The content of "${name}" is ${format}. Use a PDF, plain text, CSV or Markdown.`;
  return new Permanent("unsupported_format", message);
}

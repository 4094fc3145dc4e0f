/** What a document is, by its content. Its name decides only between kinds of text, which look alike. */
import { fileTypeFromBuffer } from "file-type";
import { Permanent } from "../../../errors.ts";

export type DocumentKind = "pdf" | "text" | "csv" | "markdown";

/** What is looked at. */
export const SAMPLE_BYTES = 65_536;

/** In bytes read as Latin-1: a control character that text has no use for. Tab, line ends, form feed and escape are none. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
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

/** @throws Permanent `unsupported_format`, which says what it is instead */
export async function recognize(sample: Buffer, name: string): Promise<DocumentKind> {
  const start = sample.toString("latin1");
  if (/^(\xef\xbb\xbf)?\s*%PDF-\d/.test(start)) return "pdf";
  if (start.startsWith("{\\rtf")) throw unsupported(name, "an RTF document");
  if (UTF16_MARKS.some((mark) => start.startsWith(mark))) return kindOfText(name);
  if (!CONTROLS.test(start)) return kindOfText(name);
  // Its header may come a bit later.
  if (/%PDF-\d/.test(start.slice(0, 1024))) return "pdf";
  // It throws where a file begins like a format and then breaks its rules.
  const type = await fileTypeFromBuffer(sample).catch(() => undefined);
  const shown = type ? (FORMATS[type.ext] ?? `${type.ext.toUpperCase()} (${type.mime})`) : "binary data";
  throw unsupported(name, shown);
}

function kindOfText(name: string): DocumentKind {
  if (/\.(csv|tsv)$/i.test(name)) return "csv";
  return /\.(md|markdown|mdown)$/i.test(name) ? "markdown" : "text";
}

function unsupported(name: string, what: string): Permanent {
  const message = `"${name}" is ${what} by its content. A document is a PDF, plain text, CSV or Markdown.`;
  return new Permanent("unsupported_format", message);
}

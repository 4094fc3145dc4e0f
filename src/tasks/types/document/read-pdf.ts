/** Reads the properties of a PDF and its text, one page at a time. */
import { getDocumentProxy } from "unpdf";
import { Permanent } from "../../../errors.ts";
import { damaged } from "../damaged.ts";
import { PDF_MAX_PAGES } from "./limits.ts";
import { TextCounts } from "./text-counts.ts";

type Pdf = Awaited<ReturnType<typeof getDocumentProxy>>;

export interface PdfSource {
  readonly name: string;
  /** The whole file. The library takes over the buffer, so that it cannot be used afterwards. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly maxPages: number | undefined;
  /** null: the text is not extracted. */
  readonly write: ((text: string) => Promise<void>) | null;
  readonly onPage: (page: number, of: number) => void;
}

const MAX_INFO_CHARS = 1000;
/** Ends a PDF; some programs and servers write other data after it. */
const END_MARK = "%%EOF";
/** END_MARK must be within the last bytes. */
const END_BYTES = 65_536;
/** A PDF for fast display has END_MARK also near its beginning, and states its length. */
const LINEARIZED = /\/Linearized\b[^>]{0,500}?\/L\s+(\d{1,12})/;

/** @throws Permanent `damaged`, `encrypted` or `too_complex` */
export async function readPdf(source: PdfSource) {
  const isCutOff = !endsAsPdf(source.bytes);
  const pdf = await open(source, isCutOff);
  try {
    const pages = pdf.numPages;
    if (pages === 0)
      throw new Permanent(
        "damaged",
        `"${source.name}" is a PDF without pages. Check the file and upload it again.`,
      );
    const wanted = source.maxPages ?? pages;
    if (wanted > PDF_MAX_PAGES) {
      const message = `"${source.name}" has ${pages} pages. The limit is ${PDF_MAX_PAGES}. Set \`max_pages\` to read only the first pages.`;
      throw new Permanent("too_complex", message);
    }
    const counts = new TextCounts();
    const pagesRead = Math.min(pages, wanted);
    let pagesWithText = 0;
    // Empty pages are written only if text follows, so that a PDF without text creates no file.
    let unwritten = "";
    for (let number = 1; number <= pagesRead; number++) {
      const text = `${await readPage(pdf, number)}\n`;
      counts.add(text);
      // A form feed separates pages, as in pdftotext.
      unwritten += number === 1 ? text : `\f${text}`;
      if (text.trim()) {
        pagesWithText++;
        await source.write?.(unwritten);
        unwritten = "";
      }
      source.onPage(number, pagesRead);
    }
    counts.end();
    const { info, isEncrypted } = await readInfo(pdf);
    return {
      pages,
      pages_read: pagesRead,
      pages_with_text: pagesWithText,
      words: counts.words,
      lines: counts.lines,
      characters: counts.characters,
      encrypted: isEncrypted,
      metadata: info,
    };
  } catch (error) {
    throw damaged(source.name, "a PDF", error);
  }
}

/** A truncated file often opens without an error but lacks pages and text. */
function endsAsPdf(bytes: Uint8Array): boolean {
  const [, length] =
    LINEARIZED.exec(Buffer.from(bytes.buffer, 0, Math.min(2048, bytes.length)).toString("latin1")) ?? [];
  if (length !== undefined && bytes.length < Number(length)) return false;
  let end = bytes.length;
  // Some programs pad files with zeros or line ends.
  while (end > 0 && (bytes[end - 1] === 0 || bytes[end - 1] === 10 || bytes[end - 1] === 13)) end--;
  return Buffer.from(bytes.buffer, Math.max(0, end - END_BYTES), Math.min(end, END_BYTES)).includes(END_MARK);
}

async function open(source: PdfSource, isCutOff: boolean): Promise<Pdf> {
  try {
    const pdf = await getDocumentProxy(source.bytes, {
      verbosity: 0,
      // No rendering and no downloads.
      disableFontFace: true,
      useSystemFonts: false,
      useWasm: false,
      isOffscreenCanvasSupported: false,
      enableXfa: false,
    });
    if (!isCutOff) return pdf;
  } catch (error) {
    if (error instanceof Error && error.name === "PasswordException") {
      const message = `"${source.name}" is encrypted. Save it without a password and upload it again.`;
      throw new Permanent("encrypted", message, { cause: error });
    }
    throw damaged(source.name, "a PDF", error);
  }
  const message = `"${source.name}" is cut off: the end of the PDF is missing. Upload the complete file.`;
  throw new Permanent("damaged", message);
}

async function readPage(pdf: Pdf, number: number): Promise<string> {
  const page = await pdf.getPage(number);
  const { items } = await page.getTextContent();
  let text = "";
  for (const item of items) {
    if ("str" in item) text += item.hasEOL ? `${item.str}\n` : item.str;
  }
  page.cleanup();
  return storable(text);
}

/** A PDF can map its glyphs to any text, even to NUL and half a surrogate pair, which are no characters. */
function storable(text: string): string {
  return text.replaceAll("\0", "").toWellFormed();
}

async function readInfo(pdf: Pdf) {
  const { info } = await pdf.getMetadata();
  const known = info as Readonly<Record<string, unknown>>;
  const text = (name: string) => {
    const value = known[name];
    const clean = typeof value === "string" ? storable(value).trim() : "";
    return clean ? clean.slice(0, MAX_INFO_CHARS) : null;
  };
  return {
    isEncrypted: text("EncryptFilterName") !== null,
    info: {
      title: text("Title"),
      author: text("Author"),
      subject: text("Subject"),
      keywords: text("Keywords"),
      creator: text("Creator"),
      producer: text("Producer"),
      created_at: readDate(text("CreationDate")),
      modified_at: readDate(text("ModDate")),
      pdf_version: text("PDFFormatVersion"),
    },
  };
}

/** `D:20260131235959+01'00'`. Everything but the year is optional. */
const DATE = /^(?:D:)?(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:(Z)|([-+])(\d\d)'?(\d\d)?'?)?/;

function readDate(text: string | null): string | null {
  const [
    match,
    year,
    month = "01",
    day = "01",
    hour = "00",
    minute = "00",
    second = "00",
    ,
    sign,
    ...offset
  ] = DATE.exec(text ?? "") ?? [];
  if (!match) return null;
  const zone = sign ? `${sign}${offset[0] ?? "00"}:${offset[1] ?? "00"}` : "Z";
  const date = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}${zone}`);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

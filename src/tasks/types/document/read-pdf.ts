/** PDFs: pages, what is said of them, and their text, a page at a time. */
import { getDocumentProxy } from "unpdf";
import { Permanent } from "../../../errors.ts";
import { PDF_MAX_PAGES } from "./limits.ts";
import { TextCounts } from "./text-counts.ts";

type Pdf = Awaited<ReturnType<typeof getDocumentProxy>>;

export interface PdfSource {
  readonly name: string;
  /** All of it; it is gone afterwards. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly maxPages: number | undefined;
  readonly write: ((text: string) => Promise<void>) | null;
  readonly onPage: (page: number, of: number) => void;
}

const MAX_INFO_CHARS = 1000;
/** What ends a PDF, and how much may come behind it. */
const END_MARK = "%%EOF";
const END_BYTES = 2048;

export async function readPdf(source: PdfSource) {
  const isCutOff = !endsAsPdf(source.bytes);
  const pdf = await open(source, isCutOff);
  try {
    const pages = pdf.numPages;
    if (pages === 0) throw new Permanent("damaged", `"${source.name}" is a PDF without pages.`);
    const wanted = source.maxPages ?? pages;
    if (wanted > PDF_MAX_PAGES) {
      const message = `"${source.name}" says that it has ${pages} pages; at most ${PDF_MAX_PAGES} are read. Give \`max_pages\`.`;
      throw new Permanent("too_complex", message);
    }
    const counts = new TextCounts();
    const pagesRead = Math.min(pages, wanted);
    let pagesWithText = 0;
    // Empty pages, which are written once text comes behind them: a PDF without text gets no file.
    let unwritten = "";
    for (let number = 1; number <= pagesRead; number++) {
      const text = `${await readPage(pdf, number)}\n`;
      counts.add(text);
      // A form feed tells pages apart, as pdftotext has it.
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
    throw damaged(source.name, error);
  }
}

/** A cut file often opens all the same, with pages and text missing that nobody would miss. */
function endsAsPdf(bytes: Uint8Array): boolean {
  let end = bytes.length;
  // Padding, which some senders add.
  while (end > 0 && (bytes[end - 1] === 0 || bytes[end - 1] === 10 || bytes[end - 1] === 13)) end--;
  return Buffer.from(bytes.buffer, Math.max(0, end - END_BYTES), Math.min(end, END_BYTES)).includes(END_MARK);
}

async function open(source: PdfSource, isCutOff: boolean): Promise<Pdf> {
  try {
    const pdf = await getDocumentProxy(source.bytes, {
      verbosity: 0,
      // Nothing is drawn, and nothing is fetched.
      disableFontFace: true,
      useSystemFonts: false,
      useWasm: false,
      isOffscreenCanvasSupported: false,
      enableXfa: false,
    });
    if (!isCutOff) return pdf;
  } catch (error) {
    if (error instanceof Error && error.name === "PasswordException") {
      const message = `"${source.name}" is encrypted: it opens only with its password. Save it without one first.`;
      throw new Permanent("encrypted", message, { cause: error });
    }
    throw damaged(source.name, error);
  }
  const message = `"${source.name}" is cut off: it does not end as a PDF does.`;
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
  return text;
}

async function readInfo(pdf: Pdf) {
  const { info } = await pdf.getMetadata();
  const known = info as Readonly<Record<string, unknown>>;
  const text = (name: string) => {
    const value = known[name];
    return typeof value === "string" && value.trim() ? value.trim().slice(0, MAX_INFO_CHARS) : null;
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

/** `D:20260131235959+01'00'`, of which all but the year may be missing. */
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

function damaged(name: string, cause: unknown): Error {
  if (cause instanceof Permanent) return cause;
  const said = cause instanceof Error ? cause.message : String(cause);
  return new Permanent("damaged", `"${name}" can't be read as a PDF; it is damaged: ${said.slice(0, 300)}`, {
    cause,
  });
}

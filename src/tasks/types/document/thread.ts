/** Runs in a thread: reads a document for the type `document`. */
import { Permanent } from "../../../errors.ts";
import { stemOf } from "../../../files/names.ts";
import type { CsvLimits } from "../../../platform/csv/open-csv.ts";
import { serveThread } from "../../../platform/threads/inside.ts";
import type { FileHost } from "../in-thread.ts";
import { PDF_MAX_BYTES } from "./limits.ts";
import { readPdf } from "./read-pdf.ts";
import { readText } from "./read-text.ts";
import { recognize, SAMPLE_BYTES } from "./recognize.ts";

export interface DocumentData {
  readonly name: string;
  readonly bytes: number;
  readonly extractText: boolean;
  readonly maxPages: number | undefined;
  readonly csvLimits: CsvLimits;
}

export type DocumentFound = { readonly format: string } & (
  | Awaited<ReturnType<typeof readPdf>>
  | Awaited<ReturnType<typeof readText>>
);

const READ_BYTES = 2 ** 20;
/** Text is counted in pieces of this size, because ICU segments a piece as a whole. */
const PIECE_BYTES = 65_536;

serveThread<FileHost, DocumentData>(async (data, { host, progress }): Promise<DocumentFound> => {
  const { name, bytes } = data;
  const read = async (start: number, end: number) => Buffer.from((await host.read(start, end)).buffer);
  const kind = await recognize(await read(0, Math.min(bytes, SAMPLE_BYTES)), name);
  const to = {
    name: `${stemOf(name, "document")}.txt`,
    mediaType: "text/plain; charset=utf-8",
  };
  const encoder = new TextEncoder();
  const write = data.extractText ? (text: string) => host.write(encoder.encode(text), to) : null;
  if (kind === "pdf") {
    if (bytes > PDF_MAX_BYTES) {
      const message = `"${name}" has ${bytes} bytes. The limit for a PDF is ${PDF_MAX_BYTES}.`;
      throw new Permanent("too_complex", message);
    }
    const whole = new Uint8Array(bytes);
    for (let at = 0; at < bytes; at += READ_BYTES)
      whole.set(await read(at, Math.min(bytes, at + READ_BYTES)), at);
    const onPage = (page: number, of: number) => progress((page / of) * 100, `Page ${page} of ${of}`);
    return {
      format: kind,
      ...(await readPdf({ name, bytes: whole, maxPages: data.maxPages, write, onPage })),
    };
  }
  // CSV is read twice: as text and as a table.
  const total = kind === "csv" ? 2 * bytes : bytes;
  let done = 0;
  async function* chunks() {
    for (let at = 0; at < bytes; at += READ_BYTES) {
      const chunk = await read(at, Math.min(bytes, at + READ_BYTES));
      for (let from = 0; from < chunk.length; from += PIECE_BYTES) {
        yield chunk.subarray(from, from + PIECE_BYTES);
      }
      done += chunk.length;
      progress((done / total) * 100, `${done} of ${total} bytes`);
    }
  }
  return { format: kind, ...(await readText({ kind, csvLimits: data.csvLimits, chunks, write })) };
});

/** Reads documents and extracts their text. */
import Type from "typebox";
import { plural } from "../../../platform/plural.ts";
import { workInThread } from "../in-thread.ts";
import type { TaskType } from "../task-type.ts";
import { PDF_MAX_BYTES, PDF_MAX_PAGES } from "./limits.ts";
import type { DocumentData, DocumentFound } from "./thread.ts";

const params = Type.Object({
  extract_text: Type.Boolean({
    default: true,
    description: "Stores the text as a UTF-8 file (`text_file`). A form feed separates the pages of a PDF.",
  }),
  max_pages: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: PDF_MAX_PAGES,
      description: `Reads only this many pages of a PDF. Absent: all pages, if there are at most ${PDF_MAX_PAGES}.`,
      examples: [50],
    }),
  ),
});

/** `bytesMb` covers a PDF and 200 MB of unpacked data. */
const LIMITS = { heapMb: 256, bytesMb: PDF_MAX_BYTES / 1e6 + 200, seconds: 600, silentSeconds: 60 } as const;

const FORMAT_TITLES: Readonly<Record<string, string>> = {
  pdf: "PDF",
  csv: "CSV",
  markdown: "Markdown",
  text: "plain text",
};

export const documentType: TaskType<typeof params, "required"> = {
  name: "document",
  description:
    "Reads a document and detects its format from the content: PDF (pages, metadata, text), plain text, CSV (rows, columns, " +
    "dialect) or Markdown (headings, links, pictures, code blocks). Counts words, lines and characters in any language and " +
    "stores the text as a file. There is no OCR: scanned pages have no text. Other formats fail with `unsupported_format`, a " +
    "PDF that needs a password with `encrypted`, a broken PDF with `damaged`.",
  queue: "file_processing",
  params,
  file: "required",
  limits: { timeoutSeconds: 1800 },

  async run(ctx, input) {
    const { params, file } = input;
    const { cellMaxBytes, headerNameMaxBytes, uploadMaxColumns } = ctx.config;
    const data: DocumentData = {
      name: file.name,
      bytes: file.bytes,
      extractText: params.extract_text,
      maxPages: params.max_pages,
      csvLimits: {
        cellMaxBytes,
        headerNameMaxBytes,
        uploadMaxColumns,
        uploadMaxRows: Number.POSITIVE_INFINITY,
      },
    };
    const { result, output } = await workInThread<DocumentFound>(input, {
      script: new URL("./thread.ts", import.meta.url),
      data,
      limits: LIMITS,
    });
    return { message: describe(file.name, result), ...result, bytes: file.bytes, text_file: output };
  },
};

function describe(name: string, found: DocumentFound): string {
  const counts = `${plural(found.words, "word")}, ${plural(found.lines, "line")}`;
  if ("csv" in found && found.csv) {
    return `"${name}" is CSV with ${plural(found.csv.rows, "row")} and ${plural(found.csv.columns, "column")}: ${counts}`;
  }
  if (!("pages" in found)) return `"${name}" is ${FORMAT_TITLES[found.format]} with ${counts}`;
  const read = found.pages_read < found.pages ? `, of which ${found.pages_read} were read` : "";
  const text = found.words > 0 ? counts : "no text (scanned pages have no text)";
  return `"${name}" is a PDF with ${plural(found.pages, "page")}${read}: ${text}`;
}

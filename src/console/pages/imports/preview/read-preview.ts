/** Reads the beginning of a file as the server will read it. Memory and time do not depend on the size of the file. */
import { type CsvOptions, type CsvRecord, type Dialect, openCsv } from "../../../../platform/csv/open-csv.ts";
import type { Table } from "../../../../platform/csv/open-table.ts";
import { peek } from "../../../../platform/csv/peek.ts";
import { uniqueNames } from "../../../../platform/csv/unique-names.ts";
import { unpacked } from "../../../../platform/csv/unpack.ts";
import { isZip, refuseOldWorkbook, START_BYTES } from "../../../../platform/workbooks/detect.ts";
import type { WorkbookDialect } from "../../../../platform/workbooks/open-workbook.ts";
import { PAGE_LIMITS, type PreviewLimits } from "./limits.ts";

export interface PreviewRow {
  readonly row: number;
  readonly cells: readonly string[];
  /** Why the row is not valid CSV. */
  readonly problem: string | null;
}

/** For CSV and for workbooks. */
export interface PreviewOptions extends CsvOptions {
  readonly sheet?: string | undefined;
}

type Opened = Table<Dialect | WorkbookDialect> & Pick<Preview, "sheets">;

export interface Preview {
  /** As in the mapping of an upload: unique, none is empty. */
  readonly names: readonly string[];
  readonly rows: readonly PreviewRow[];
  /** The first lines that are skipped. */
  readonly skipped: readonly PreviewRow[];
  readonly dialect: Dialect | WorkbookDialect;
  /** The names of all sheets of a workbook; none for CSV. */
  readonly sheets: readonly string[];
  /** Whether the file has no other rows. */
  readonly isWhole: boolean;
}

const MAX_SKIPPED = 20;

/** The server has limits of its own, which it names when it refuses a file. These protect the browser. */
const LIMITS = {
  cellMaxBytes: 4 * 2 ** 20,
  headerNameMaxBytes: 100_000,
  uploadMaxColumns: 16_000,
  uploadMaxRows: Number.POSITIVE_INFINITY,
};
const WORKBOOK_LIMITS = {
  ...LIMITS,
  uploadMaxBytes: Number.POSITIVE_INFINITY,
  stringsMaxBytes: 256 * 2 ** 20,
};
const MAX_UNPACKED_BYTES = 256 * 2 ** 20;

/** @throws DomainError if the file cannot be read with these options; DOMException if it cannot be read at all */
export async function readPreview(
  file: Blob,
  options: PreviewOptions,
  limits: PreviewLimits = PAGE_LIMITS,
): Promise<Preview> {
  const table = await open(file, options);
  const { rows, isWhole } = await firstRows(table.records, limits);
  const { dialect, sheets } = table;
  const above = dialect.skip_lines + dialect.preamble_rows;
  const skipped =
    above > 0
      ? await linesAbove(file, options, dialect, { ...limits, rows: Math.min(above, MAX_SKIPPED) })
      : [];
  const names = (table.header?.names ?? []).map((name) => name.replaceAll("\0", "\uFFFD").trim());
  return { names: uniqueNames(names), rows, skipped, dialect, sheets, isWhole };
}

async function open(file: Blob, options: PreviewOptions): Promise<Opened> {
  const { start, whole, close } = await peek(unpacked(piecesOf(file), MAX_UNPACKED_BYTES), START_BYTES);
  if (isZip(start)) return openSheet(await asRead(file, whole, close), options);
  try {
    refuseOldWorkbook(start);
  } catch (error) {
    await close();
    throw error;
  }
  const csv = await openCsv(whole, options, LIMITS);
  // The encoding and the line ends are known when the rows have been read.
  return Object.defineProperty({ ...csv, sheets: [] }, "dialect", { get: () => csv.dialect });
}

/** Returns the file, or its content if it is compressed with gzip. */
async function asRead(
  file: Blob,
  whole: AsyncIterable<Uint8Array>,
  close: () => Promise<void>,
): Promise<Blob> {
  if (isZip(new Uint8Array(await file.slice(0, START_BYTES).arrayBuffer()))) {
    await close();
    return file;
  }
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for await (const piece of whole) pieces.push(new Uint8Array(piece));
  return new Blob(pieces);
}

async function openSheet(file: Blob, options: PreviewOptions): Promise<Opened> {
  // Most files are CSV and need no reader of workbooks.
  const { openWorkbook } = await import("../../../../platform/workbooks/open-workbook.ts");
  const access = {
    bytes: file.size,
    read: async (start: number, end: number) => new Uint8Array(await file.slice(start, end).arrayBuffer()),
  };
  return openWorkbook(access, options, WORKBOOK_LIMITS);
}

async function linesAbove(
  file: Blob,
  options: PreviewOptions,
  dialect: Preview["dialect"],
  limits: PreviewLimits,
): Promise<PreviewRow[]> {
  const csv = "format" in dialect ? {} : pick(dialect);
  const table = await open(file, { ...options, ...csv, header: false, skipLines: 0 });
  const { rows } = await firstRows(table.records, limits);
  return rows.filter(({ row }) => row <= dialect.skip_lines + dialect.preamble_rows);
}

function pick({ encoding, delimiter, quote }: Dialect): CsvOptions {
  return { encoding, delimiter, quote };
}

async function firstRows(
  blocks: AsyncGenerator<CsvRecord[]>,
  { rows: count, cellChars, chars: maxChars }: PreviewLimits,
): Promise<{ rows: PreviewRow[]; isWhole: boolean }> {
  const rows: PreviewRow[] = [];
  let chars = 0;
  for await (const block of blocks) {
    for (const { row, fields, problem } of block) {
      // Leaving the loop closes the file.
      if (rows.length >= count || chars > maxChars) return { rows, isWhole: false };
      const cells = fields.map((field) => field.slice(0, cellChars));
      chars += cells.reduce((sum, cell) => sum + cell.length, 0);
      rows.push({ row, cells, problem });
    }
  }
  return { rows, isWhole: true };
}

/** Not every browser can iterate over a stream. */
async function* piecesOf(file: Blob): AsyncGenerator<Uint8Array> {
  const reader = file.stream().getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

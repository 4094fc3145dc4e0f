/** Reads the beginning of a file as the server will read it. Memory and time do not depend on the size of the file. */
import { type CsvOptions, type CsvRecord, type Dialect, openCsv } from "../../../../platform/csv/open-csv.ts";
import { uniqueNames } from "../../../../platform/csv/unique-names.ts";
import { unpacked } from "../../../../platform/csv/unpack.ts";
import { PAGE_LIMITS } from "./limits.ts";

export interface PreviewRow {
  readonly row: number;
  readonly cells: readonly string[];
  /** Why the row is not valid CSV. */
  readonly problem: string | null;
}

export interface Preview {
  /** As in the mapping of an upload: unique, none is empty. */
  readonly names: readonly string[];
  readonly rows: readonly PreviewRow[];
  /** The first lines that are skipped. */
  readonly skipped: readonly PreviewRow[];
  readonly dialect: Dialect;
  /** Whether the file has no other rows. */
  readonly isWhole: boolean;
}

/** What is read of a file. */
export interface PreviewLimits {
  readonly rows: number;
  /** Cells are cut to this length. */
  readonly cellChars: number;
  /** No more rows are read after this many characters. */
  readonly chars: number;
}

const MAX_SKIPPED = 20;

/** The server has limits of its own, which it names when it refuses a file. These protect the browser. */
const LIMITS = {
  cellMaxBytes: 4 * 2 ** 20,
  headerNameMaxBytes: 100_000,
  uploadMaxColumns: 16_000,
  uploadMaxRows: Number.POSITIVE_INFINITY,
};
const MAX_UNPACKED_BYTES = 256 * 2 ** 20;

/** @throws DomainError if the file cannot be read as CSV with these options; DOMException if it cannot be read at all */
export async function readPreview(
  file: Blob,
  options: CsvOptions,
  limits: PreviewLimits = PAGE_LIMITS,
): Promise<Preview> {
  const csv = await open(file, options);
  const { rows, isWhole } = await firstRows(csv.records, limits);
  const { dialect } = csv;
  const above = dialect.skip_lines + dialect.preamble_rows;
  const skipped =
    above > 0
      ? await linesAbove(file, options, dialect, { ...limits, rows: Math.min(above, MAX_SKIPPED) })
      : [];
  const names = (csv.header?.names ?? []).map((name) => name.replaceAll("\0", "\uFFFD").trim());
  return { names: uniqueNames(names), rows, skipped, dialect, isWhole };
}

function open(file: Blob, options: CsvOptions) {
  return openCsv(unpacked(piecesOf(file), MAX_UNPACKED_BYTES), options, LIMITS);
}

async function linesAbove(
  file: Blob,
  options: CsvOptions,
  dialect: Dialect,
  limits: PreviewLimits,
): Promise<PreviewRow[]> {
  const { encoding, delimiter, quote } = dialect;
  const csv = await open(file, { ...options, encoding, delimiter, quote, header: false, skipLines: 0 });
  const { rows } = await firstRows(csv.records, limits);
  return rows.filter(({ row }) => row <= dialect.skip_lines + dialect.preamble_rows);
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

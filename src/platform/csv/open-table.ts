/** Finds the header of a table, and passes on the rows below it. CSV files and the sheets of workbooks are read alike. */
import { type CsvHeader, readHeader } from "./header.ts";
import { areNames, findLayout, type Layout } from "./layout.ts";
import type { TableOptions } from "./options.ts";
import type { CsvRecord } from "./parser.ts";
import type { CsvLimits } from "./reader.ts";
import { isBlankRow, type Sample } from "./sample.ts";
import { type CsvWarnings, noWarnings, tableRows } from "./table-rows.ts";
import type { Decoded } from "./text.ts";

/** How the table of a file is laid out. */
export interface TableDialect {
  readonly header: boolean;
  /** From 0 to 1; 1 if it was given. */
  readonly header_confidence: number;
  readonly header_from: "guessed" | "given";
  /** The number of records that have the column names. */
  readonly header_rows: number;
  /** The number of lines before the header that were given to be skipped. */
  readonly skip_lines: number;
  /** The number of rows above the table that were recognized as no part of it. */
  readonly preamble_rows: number;
}

export interface Table<D extends TableDialect = TableDialect> {
  /** null: the file has no records. */
  readonly header: CsvHeader | null;
  /**
   * All records after the header, in order. They can be read once. Empty fields beyond the columns are removed.
   * @throws DomainError that names the row or the limit
   */
  readonly records: AsyncGenerator<CsvRecord[]>;
  /** The dialect so far: of CSV files, encoding, escape and line ends may change while the file is read. */
  readonly dialect: D;
  readonly warnings: Readonly<CsvWarnings>;
}

export interface TableSource {
  /** All records after the skipped ones. */
  readonly blocks: AsyncGenerator<CsvRecord[]>;
  /** The first of them, without blank rows. */
  readonly sample: Sample["records"];
  /** Whether lines above the table can be recognized by their width. */
  readonly isTable: boolean;
  readonly skipped: number;
  readonly decoded: Decoded;
  /** Whether empty cells at the end of a row are left out. They are added, and a short row is no problem. */
  readonly isRagged: boolean;
  close(): Promise<void>;
}

type OpenedTable = Pick<Table, "header" | "records" | "warnings"> & { readonly layout: TableDialect };

/** If this throws, the caller closes the source. */
export async function openTable(
  source: TableSource,
  options: TableOptions,
  limits: CsvLimits,
): Promise<OpenedTable> {
  const { blocks, sample, skipped } = source;
  const { header: givenHeader, headerRows: givenRows } = options;
  const isStart = options.skipLines !== undefined;
  const known = { isStart, header: givenHeader, headerRows: givenRows };
  const layout = findLayout(sample, source.isTable, known);
  const { header: headerRows, rest } = await splitHeader(blocks, layout, skipped);
  const below = sample.slice(layout.preambleRecords + layout.headerRows);
  // A table of blank rows has no sample.
  const sampled = (sample.length > 0 ? below : rest.slice(0, 1)).map(({ fields }) => fields);
  const hasRecords = headerRows.length > 0 || rest.length > 0;
  const header = hasRecords ? readHeader(headerRows, sampled, options.columns, limits) : null;
  const warnings = noWarnings();
  const table = {
    width: header?.names.length ?? 0,
    header: repeatable(headerRows.at(-1)),
    keepsBlankRows: options.skipBlankRows === false,
    keepsLaterTables: options.tables === "all",
    isRagged: source.isRagged,
    decoded: source.decoded,
  };

  async function* records(): AsyncGenerator<CsvRecord[]> {
    try {
      yield* tableRows(inOrder(rest, blocks), table, warnings, limits);
    } finally {
      await source.close();
    }
  }
  return {
    header,
    warnings,
    records: records(),
    layout: {
      header: layout.headerRows > 0,
      header_confidence: layout.confidence,
      header_from: givenHeader === undefined && givenRows === undefined ? "guessed" : "given",
      header_rows: layout.headerRows,
      skip_lines: skipped,
      preamble_rows: layout.preambleRows,
    },
  };
}

/** Leaves out the rows above the table, and separates its header from the first other rows. */
async function splitHeader(
  blocks: AsyncGenerator<CsvRecord[]>,
  { headerRows, preambleRows }: Layout,
  skipped: number,
): Promise<{ header: CsvRecord[]; rest: CsvRecord[] }> {
  const header: CsvRecord[] = [];
  for (;;) {
    const next = await blocks.next();
    if (next.done) return { header, rest: [] };
    const rest = next.value.filter(({ row }) => row > skipped + preambleRows);
    while (header.length < headerRows && rest.length > 0) {
      const record = rest.shift();
      if (record && !isBlankRow(record.fields)) header.push(record);
    }
    if (header.length === headerRows && header.length + rest.length > 0) return { header, rest };
  }
}

async function* inOrder(first: CsvRecord[], rest: AsyncGenerator<CsvRecord[]>): AsyncGenerator<CsvRecord[]> {
  // Taken out, so that they do not stay in memory as long as the file is read.
  if (first.length > 0) yield first.splice(0);
  yield* rest;
}

/** Returns the names that begin another table if they are repeated; null if the header could be a row. */
function repeatable(header: CsvRecord | undefined): readonly string[] | null {
  return header && areNames(header.fields) ? header.fields.map((name) => name.trim()) : null;
}

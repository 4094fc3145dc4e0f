/** Reads a sheet of an Excel workbook (.xlsx) as a table. The memory it needs does not depend on the number of rows. */
import { openTable, type Table, type TableDialect } from "../csv/open-table.ts";
import { checkTableOptions, type TableOptions } from "../csv/options.ts";
import type { CsvRecord } from "../csv/parser.ts";
import { isBlankRow } from "../csv/sample.ts";
import { newDecoded } from "../csv/text.ts";
import { chooseSheet } from "./choose-sheet.ts";
import type { NumberMarks } from "./number-formats.ts";
import type { RandomAccess } from "./random-access.ts";
import { SharedStrings, type StringLimits } from "./shared-strings.ts";
import { type SheetLimits, sheetRows } from "./sheet-rows.ts";
import { readStructure } from "./structure.ts";
import { readStyles } from "./styles.ts";
import { Zip } from "./zip.ts";

export interface WorkbookOptions extends TableOptions {
  /** The name of a sheet, or its number from 1. Absent: the first sheet that is not hidden. */
  readonly sheet?: string | undefined;
  /** The marks of numbers. Absent: a point, and commas between groups. */
  readonly marks?: NumberMarks | undefined;
}

export interface WorkbookLimits extends SheetLimits, StringLimits {}

export interface WorkbookDialect extends TableDialect {
  readonly format: "xlsx";
  /** The name of the sheet that is read. */
  readonly sheet: string;
}

export interface Workbook extends Table<WorkbookDialect> {
  /** The names of all sheets. */
  readonly sheets: readonly string[];
  /** Lets go of the file and of memory. Reading all rows does so too. */
  close(): Promise<void>;
}

/** As many lines of a CSV file are a sample. */
const SAMPLE_ROWS = 500;
const SAMPLE_CHARS = 65_536;

/**
 * Reads the beginning of the sheet, and finds its header.
 * @throws DomainError `too_large` with the name and value of the limit, or `invalid_input`
 */
export async function openWorkbook(
  file: RandomAccess,
  options: WorkbookOptions,
  limits: WorkbookLimits,
): Promise<Workbook> {
  checkTableOptions(options);
  const zip = await Zip.open(file);
  const structure = await readStructure(zip);
  const sheet = chooseSheet(structure.sheets, options.sheet);
  const writerOf = await readStyles(zip, structure.stylesPath, structure.is1904, options.marks);
  const strings = new SharedStrings(zip, structure.stringsPath, limits);
  const rows = sheetRows(zip, sheet.path, { writerOf, strings, fileBytes: file.bytes }, limits);
  const close = async () => {
    await rows.return(undefined);
    await strings.close();
    limits.longRow?.release();
  };
  try {
    const skipped = options.skipLines ?? 0;
    const { blocks, sample } = await takeSample(behind(rows, skipped));
    const source = { blocks, sample, isTable: true, skipped, decoded: newDecoded(), isRagged: true, close };
    const { layout, ...table } = await openTable(source, options, limits);
    const sheets = structure.sheets.map(({ name }) => name);
    return { ...table, sheets, dialect: { format: "xlsx", sheet: sheet.name, ...layout }, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function* behind(rows: AsyncGenerator<CsvRecord[]>, skipped: number): AsyncGenerator<CsvRecord[]> {
  for await (const block of rows) yield skipped === 0 ? block : block.filter(({ row }) => row > skipped);
}

/** @returns the first rows, as wide as the widest of them, as in a CSV file; and all rows */
async function takeSample(
  rows: AsyncGenerator<CsvRecord[]>,
): Promise<{ sample: CsvRecord[]; blocks: AsyncGenerator<CsvRecord[]> }> {
  const first: CsvRecord[][] = [];
  const sample: CsvRecord[] = [];
  let chars = 0;
  while (sample.length < SAMPLE_ROWS && chars < SAMPLE_CHARS) {
    const next = await rows.next();
    if (next.done) break;
    first.push(next.value);
    for (const record of next.value) {
      if (sample.length >= SAMPLE_ROWS || chars >= SAMPLE_CHARS) break;
      chars += record.fields.reduce((sum, field) => sum + field.length + 1, 0);
      if (!isBlankRow(record.fields)) sample.push(record);
    }
  }
  const width = sample.reduce((most, { fields }) => Math.max(most, fields.length), 0);
  const padded = sample.map((record) => ({
    ...record,
    fields: [...record.fields, ...Array<string>(width - record.fields.length).fill("")],
  }));
  return { sample: padded, blocks: inOrder(first, rows) };
}

async function* inOrder(
  first: CsvRecord[][],
  rest: AsyncGenerator<CsvRecord[]>,
): AsyncGenerator<CsvRecord[]> {
  // Taken out, so that they do not stay in memory as long as the file is read.
  for (let next = first.shift(); next; next = first.shift()) yield next;
  yield* rest;
}

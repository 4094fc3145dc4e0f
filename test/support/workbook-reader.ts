import {
  openWorkbook,
  type WorkbookLimits,
  type WorkbookOptions,
} from "../../src/platform/workbooks/open-workbook.ts";
import type { RandomAccess } from "../../src/platform/workbooks/random-access.ts";

const workbookLimits: WorkbookLimits = {
  cellMaxBytes: 2 ** 20,
  headerNameMaxBytes: 1000,
  uploadMaxColumns: 1000,
  uploadMaxRows: 10_000_000,
  uploadMaxBytes: 10 * 2 ** 30,
  stringsMaxBytes: 128 * 2 ** 20,
};

function inMemory(bytes: Uint8Array): RandomAccess {
  return { bytes: bytes.length, read: async (start, end) => bytes.subarray(start, end) };
}

/** Reads all rows, numbered as in the sheet. */
export async function readWorkbook(
  bytes: Uint8Array,
  options: WorkbookOptions = {},
  limits: Partial<WorkbookLimits> = {},
) {
  const table = await openWorkbook(inMemory(bytes), options, { ...workbookLimits, ...limits });
  const rows: (readonly [row: number, ...cells: string[]])[] = [];
  const problems: string[] = [];
  for await (const block of table.records) {
    for (const { row, fields, problem } of block) {
      rows.push([row, ...fields]);
      if (problem !== null) problems.push(problem);
    }
  }
  const { header, dialect, sheets, warnings } = table;
  return { names: header?.names, headerRow: header?.row, rows, problems, dialect, sheets, warnings };
}

/** Reads the rows of a sheet, within limits. */
import { DomainError } from "../../errors.ts";
import type { CsvRecord } from "../csv/parser.ts";
import { type CsvLimits, checkCell, checkColumns, LONG_ROW_CHARS, RECORD_CELLS } from "../csv/reader.ts";
import { damaged, tooLarge } from "./refusals.ts";
import type { SharedStrings } from "./shared-strings.ts";
import { placeCell, type RawRow, SheetParser } from "./sheet-parser.ts";
import type { WriterOf } from "./styles.ts";
import { readXml } from "./xml.ts";
import { FREE_BYTES, MAX_RATIO, type Zip } from "./zip.ts";

export interface SheetLimits extends CsvLimits {
  /** Of the sheet, unpacked, and of the text of its rows (UPLOAD_MAX_BYTES). */
  readonly uploadMaxBytes: number;
}

const BLOCK_CHARS = 131_072;
const BLOCK_ROWS = 4096;

/**
 * Yields blocks of rows as they are read. A row without text in its cells is not a row of the table.
 * @throws DomainError that names the row or the limit
 */
export async function* sheetRows(
  zip: Zip,
  path: string,
  { writerOf, strings, fileBytes }: { writerOf: WriterOf; strings: SharedStrings; fileBytes: number },
  limits: SheetLimits,
): AsyncGenerator<CsvRecord[]> {
  const parser = new SheetParser(writerOf, {
    cellMaxBytes: limits.cellMaxBytes,
    checkColumn: (row, column) => checkColumns(row, column + 1, limits),
    checkCell: (row, column, text) => checkCell(row, column, text, limits),
    checkRow: (row, chars) => checkRow(row, chars, limits),
  });
  const part = zip.read(path, limits.uploadMaxBytes);
  let block: CsvRecord[] = [];
  let blockChars = 0;
  let allChars = 0;
  for await (const _ of readXml(path, part, parser, 2 * limits.cellMaxBytes, "2 x CELL_MAX_BYTES")) {
    const rows = parser.rows;
    parser.rows = [];
    for (const raw of rows) {
      const chars = await fillIn(raw, strings, limits);
      if (raw.fields.length === 0 && raw.problem === null) continue;
      blockChars += chars + raw.fields.length;
      allChars += chars + raw.fields.length;
      checkText(allChars, fileBytes, limits);
      const isLong = chars > LONG_ROW_CHARS;
      if (isLong) await limits.longRow?.hold();
      block.push({ row: raw.row, fields: raw.fields, problem: raw.problem });
      if (!isLong && blockChars < BLOCK_CHARS && block.length < BLOCK_ROWS) continue;
      yield block;
      block = [];
      blockChars = 0;
      if (!isLong) continue;
      // Suspended generators keep what they passed on last.
      yield [];
      limits.longRow?.release();
    }
    if (parser.isEnd) break;
  }
  if (!parser.isEnd) throw damaged("its sheet has no rows (sheetData)");
  if (block.length > 0) yield block;
}

/** Puts the shared texts into a row, and removes empty cells at its end. @returns the number of characters */
async function fillIn(
  { row, fields, shared }: RawRow,
  strings: SharedStrings,
  limits: SheetLimits,
): Promise<number> {
  let chars = 0;
  for (const field of fields) chars += field.length;
  for (let at = 0; at < shared.length; at += 2) {
    const [column = 0, index = 0] = [shared[at], shared[at + 1]];
    if (index >= strings.count) await strings.load(index);
    const text = strings.get(index);
    if (text === "") continue;
    placeCell(fields, column, text);
    chars += text.length;
    checkRow(row, chars, limits);
  }
  return chars;
}

function checkRow(row: number, chars: number, { cellMaxBytes }: CsvLimits): void {
  const most = RECORD_CELLS * cellMaxBytes;
  if (chars <= most) return;
  const message = `Row ${row} has more than ${most} characters, the limit for a row (${RECORD_CELLS} x CELL_MAX_BYTES).`;
  throw new DomainError("too_large", message);
}

/** Cells share their texts, so that a small file can have rows of any size. */
function checkText(chars: number, fileBytes: number, { uploadMaxBytes }: SheetLimits): void {
  if (chars > uploadMaxBytes)
    throw tooLarge(`has more than ${uploadMaxBytes} characters in its rows (UPLOAD_MAX_BYTES)`);
  if (chars > FREE_BYTES && chars > fileBytes * MAX_RATIO)
    throw tooLarge(`has rows with more than ${MAX_RATIO} times as much text as the file has bytes`);
}

/** Recognizes files that may be workbooks by their first bytes. */
import { invalidField } from "../../errors.ts";
import { SAVE_AS_XLSX } from "./refusals.ts";

/** The number of bytes to look at. */
export const START_BYTES = 8;

const ZIP = [0x50, 0x4b, 3, 4];
const EMPTY_ZIP = [0x50, 0x4b, 5, 6];
const COMPOUND_FILE = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];

/** Whether a file is a ZIP archive, as workbooks are. No text begins so. */
export function isZip(start: Uint8Array): boolean {
  return beginsWith(start, ZIP) || beginsWith(start, EMPTY_ZIP);
}

/** @throws DomainError `invalid_input` if the file is in the format of old Office programs and of encrypted workbooks */
export function refuseOldWorkbook(start: Uint8Array): void {
  if (!beginsWith(start, COMPOUND_FILE)) return;
  throw invalidField(
    "file",
    "is an old Excel workbook (.xls), a workbook with a password, or another Office file, not CSV or .xlsx. Open it, " +
      `remove its password, ${SAVE_AS_XLSX}`,
  );
}

function beginsWith(start: Uint8Array, bytes: readonly number[]): boolean {
  return bytes.every((byte, at) => start[at] === byte);
}

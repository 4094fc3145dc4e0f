/** Reads the number formats of the cells. */
import {
  isMoment,
  MAX_FORMAT_CHARS,
  type NumberMarks,
  numberWriter,
  patternOf,
  type WriteNumber,
  withMarks,
} from "./number-formats.ts";
import { tooLarge } from "./refusals.ts";
import { readXml } from "./xml.ts";
import type { Zip } from "./zip.ts";

/**
 * Returns how to write the numbers of cells with this style, the attribute `s` of a cell.
 * @param countsFrom1904 absent: as in the workbook
 */
export type WriterOf = (style: number, countsFrom1904?: boolean) => WriteNumber;

const MAX_BYTES = 64 * 2 ** 20;
/** As in Excel. */
const MAX_STYLES = 65_536;

/**
 * @param path absent: the workbook has no formats
 * @param marks absent: a point, and commas between groups
 */
export async function readStyles(
  zip: Zip,
  path: string | undefined,
  is1904: boolean,
  marks?: NumberMarks,
): Promise<WriterOf> {
  const declared = new Map<number, string>();
  const formatIds: number[] = [];
  let isInCells = false;
  const handler = {
    open(name: string, { numFmtId = "0", formatCode = "" }: Readonly<Record<string, string>>) {
      if (name === "cellXfs") isInCells = true;
      else if (name === "numFmt" && formatCode.length <= MAX_FORMAT_CHARS)
        declared.set(Number(numFmtId), formatCode);
      else if (name === "xf" && isInCells) formatIds.push(Number(numFmtId));
      if (formatIds.length > MAX_STYLES || declared.size > MAX_STYLES)
        throw tooLarge(`has more than ${MAX_STYLES} cell formats`);
    },
    close(name: string) {
      if (name === "cellXfs") isInCells = false;
    },
  };
  if (path !== undefined && zip.has(path))
    for await (const _ of readXml(path, zip.read(path, MAX_BYTES), handler));
  const writers = { from1900: new Map<number, WriteNumber>(), from1904: new Map<number, WriteNumber>() };
  return (style, countsFrom1904 = is1904) => {
    const own = countsFrom1904 ? writers.from1904 : writers.from1900;
    const id = formatIds[style] ?? 0;
    const known = own.get(id);
    if (known) return known;
    const pattern = patternOf(id, declared);
    const plain = numberWriter(pattern, countsFrom1904);
    const writer = marks && !isMoment(pattern) ? withMarks(plain, marks) : plain;
    own.set(id, writer);
    return writer;
  };
}

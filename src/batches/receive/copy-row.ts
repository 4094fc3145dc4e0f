/** Writes a row in the binary format of COPY. */
import type { CopyBuffer } from "../../platform/postgres/copy.ts";

export interface NewRow {
  readonly row: number;
  /** null, only in a correction: the cell stays unchanged. */
  readonly fields: readonly (string | null)[];
  /** Why the row is not valid CSV; null if it is. */
  readonly problem: string | null;
}

export const COPY_ROWS =
  "COPY rowmill.batch_rows (batch_id, row_number, fields, problem) FROM STDIN (FORMAT binary)";

/** Returns the beginning of each row of a batch: the number of its values, and the id of the batch. */
export function beginningOf(batchId: string): Buffer {
  return Buffer.concat([Buffer.from([0, 4, 0, 0, 0, 16]), Buffer.from(batchId.replaceAll("-", ""), "hex")]);
}

/** @param beginning of `beginningOf` */
export function appendRow(buffer: CopyBuffer, beginning: Buffer, { row, fields, problem }: NewRow): void {
  buffer.raw(beginning);
  buffer.integer(row);
  buffer.text(unescapedCells(fields) ?? JSON.stringify(fields));
  buffer.text(problem);
}

/** Characters that JSON may have to escape. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON escapes them
const ESCAPED = /["\\\0-\x1f\ud800-\udfff]/;

/** @returns null if a cell has to be escaped; most rows have none, and joining their cells takes half of the time */
function unescapedCells(fields: NewRow["fields"]): string | null {
  let cells = "";
  for (let at = 0; at < fields.length; at++) {
    const cell = fields[at];
    if (typeof cell !== "string" || ESCAPED.test(cell)) return null;
    cells += at === 0 ? cell : `","${cell}`;
  }
  return fields.length === 0 ? "[]" : `["${cells}"]`;
}

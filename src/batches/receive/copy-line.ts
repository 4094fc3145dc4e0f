/** Writes a row as a line of text for COPY. */
import { COPY_NULL, copyValue } from "../../platform/postgres/copy.ts";

export interface NewRow {
  readonly row: number;
  /** null, only in a correction: the cell stays unchanged. */
  readonly fields: readonly (string | null)[];
  /** Why the row is not valid CSV; null if it is. */
  readonly problem: string | null;
}

/** Characters that JSON or COPY may have to escape. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: both escape them
const ESCAPED = /["\\\0-\x1f\ud800-\udfff]/;

/** @returns the line as `batch_id`, `row_number`, `fields` and `problem` */
export function copyLine(batchId: string, { row, fields, problem }: NewRow): string {
  const cells = unescapedCells(fields) ?? copyValue(JSON.stringify(fields));
  return `${batchId}\t${row}\t${cells}\t${problem === null ? COPY_NULL : copyValue(problem)}\n`;
}

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

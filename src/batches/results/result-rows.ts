/** Rows of a result file, and their text in pages of short rows. */
import type { RowStatus } from "../views.ts";

export interface ResultRow {
  readonly row: number;
  /** In the order of the header; cells beyond it go into `_extra`. */
  readonly cells: readonly string[];
  readonly status: RowStatus;
  readonly errorCode: string | null;
  readonly error: string | null;
  readonly recordId: number | null;
  /** The key of a record in a table of an application, as JSON. It takes the place of the id. */
  readonly recordKey: string | null;
}

/** Unit and record separators. JSON escapes them, and the columns that are not JSON cannot have them. */
export const UNIT = "\u001f";
export const RECORD = "\u001e";

/** A row as PostgreSQL writes it: row number, cells as JSON, status, error code and error as JSON, record id, record key. */
export type RowText = string;

export function readRow(text: RowText): ResultRow {
  const [row, cells = "", status, errorCode, error, recordId, recordKey] = text.split(UNIT);
  return {
    row: Number(row),
    cells: JSON.parse(cells) as string[],
    status: status as RowStatus,
    errorCode: errorCode ? (JSON.parse(errorCode) as string) : null,
    error: error ? (JSON.parse(error) as string) : null,
    recordId: recordId ? Number(recordId) : null,
    recordKey: recordKey || null,
  };
}

/** The files that a batch's results are given out as. Text, not objects: a JavaScript object reorders names such as "2". */
import { csvRecord, defuse } from "../../platform/csv/cells.ts";
import { EXTRA_COLUMN, RESULT_COLUMNS, uniqueNames } from "../../targets/match-header.ts";
import type { RowStatus } from "../views.ts";

export const RESULT_FORMATS = ["csv", "json", "ndjson"] as const;
export type ResultFormat = (typeof RESULT_FORMATS)[number];

export const MEDIA_TYPES: Readonly<Record<ResultFormat, string>> = {
  csv: "text/csv",
  json: "application/json",
  ndjson: "application/x-ndjson",
};

export interface ResultRow {
  readonly row: number;
  /** In the order of the header; those beyond it are extra. */
  readonly cells: readonly string[];
  readonly status: RowStatus;
  readonly errorCode: string | null;
  readonly error: string | null;
  readonly recordId: number | null;
}

/** A file is its head, any number of pages of rows, and its tail. */
export interface ResultWriter {
  readonly head: string;
  readonly tail: string;
  page(rows: readonly ResultRow[]): string;
}

export interface ResultColumns {
  /** The file's own. */
  readonly header: readonly string[];
  /** Whether rows may have more cells than the header has names. */
  readonly hasExtra: boolean;
}

export function resultWriter(
  format: ResultFormat,
  columns: ResultColumns,
  { withMark = false } = {},
): ResultWriter {
  switch (format) {
    case "csv":
      return csvWriter(columns, withMark);
    case "json":
      return jsonWriter(columns);
    case "ndjson":
      return { head: "", tail: "", page: jsonLines(columns, "\n") };
  }
}

/** Our names are as documented whatever the file has: a column of the file that has one of them is the one renamed. */
function ownNames({ header }: ResultColumns): string[] {
  const ours = [...RESULT_COLUMNS, EXTRA_COLUMN];
  return uniqueNames([...ours, ...header]).slice(ours.length);
}

function csvWriter(columns: ResultColumns, withMark: boolean): ResultWriter {
  const width = columns.header.length;
  const names = [
    ...ownNames(columns).map(defuse),
    ...RESULT_COLUMNS,
    ...(columns.hasExtra ? [EXTRA_COLUMN] : []),
  ];
  const record = ({ row, cells, status, errorCode, error, recordId }: ResultRow) => {
    const out: string[] = [];
    for (let at = 0; at < width; at++) out.push(defuse(cells[at] ?? ""));
    out.push(String(row), status, defuse(errorCode ?? ""), defuse(error ?? ""), String(recordId ?? ""));
    if (columns.hasExtra) out.push(extraCells(cells, width) ?? "");
    return csvRecord(out);
  };
  return {
    head: (withMark ? "\uFEFF" : "") + csvRecord(names),
    tail: "",
    page: (rows) => rows.map(record).join(""),
  };
}

function jsonWriter(columns: ResultColumns): ResultWriter {
  const lines = jsonLines(columns, "");
  let isFirst = true;
  return {
    head: "[\n",
    tail: "\n]\n",
    page(rows) {
      const separator = isFirst ? "" : ",\n";
      isFirst = false;
      return separator + rows.map((row) => lines([row])).join(",\n");
    },
  };
}

function jsonLines(columns: ResultColumns, lineEnd: string): (rows: readonly ResultRow[]) => string {
  const width = columns.header.length;
  const labels = ownNames(columns).map((name) => `${JSON.stringify(name)}:`);
  const line = ({ row, cells, status, errorCode, error, recordId }: ResultRow) => {
    let text = "{";
    for (let at = 0; at < width; at++) text += `${labels[at]}${JSON.stringify(cells[at] ?? "")},`;
    text += `"_row":${row},"_status":"${status}","_error_code":${JSON.stringify(errorCode)}`;
    text += `,"_error":${JSON.stringify(error)},"_id":${recordId}`;
    const extra = extraCells(cells, width);
    if (extra) text += `,"${EXTRA_COLUMN}":${extra}`;
    return `${text}}${lineEnd}`;
  };
  return (rows) => rows.map(line).join("");
}

/** Null where there are none but empty ones, which come of a delimiter too many. */
function extraCells(cells: readonly string[], width: number): string | null {
  if (cells.length <= width) return null;
  const extra = cells.slice(width);
  return extra.some((cell) => cell !== "") ? JSON.stringify(extra) : null;
}

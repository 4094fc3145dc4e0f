/** The files that a batch's results are given out as. Text, not objects: a JavaScript object reorders names such as "2". */
import { csvRecord, defuse } from "../platform/csv-cells.ts";
import { RESULT_COLUMNS, uniqueNames } from "../targets/match-header.ts";
import type { RowStatus } from "./views.ts";

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

/** Cells beyond the header. In CSV they stand behind all others, as they did in the file. */
const EXTRA = "_extra";

export function resultWriter(
  format: ResultFormat,
  header: readonly string[],
  { withMark = false } = {},
): ResultWriter {
  switch (format) {
    case "csv":
      return csvWriter(header, withMark);
    case "json":
      return jsonWriter(header);
    case "ndjson":
      return { head: "", tail: "", page: jsonLines(header, "\n") };
  }
}

/** Our names are as documented whatever the file has: a column of the file that has one of them is the one renamed. */
function ownNames(header: readonly string[]): string[] {
  const ours = [...RESULT_COLUMNS, EXTRA];
  return uniqueNames([...ours, ...header]).slice(ours.length);
}

function csvWriter(header: readonly string[], withMark: boolean): ResultWriter {
  const width = header.length;
  const names = [...ownNames(header).map(defuse), ...RESULT_COLUMNS];
  const record = ({ row, cells, status, errorCode, error, recordId }: ResultRow) => {
    const out: string[] = [];
    for (let at = 0; at < width; at++) out.push(defuse(cells[at] ?? ""));
    out.push(String(row), status, defuse(errorCode ?? ""), defuse(error ?? ""), String(recordId ?? ""));
    if (cells.length > width) out.push(...extraCells(cells, width).map(defuse));
    return csvRecord(out);
  };
  return {
    head: (withMark ? "\uFEFF" : "") + csvRecord(names),
    tail: "",
    page: (rows) => rows.map(record).join(""),
  };
}

function jsonWriter(header: readonly string[]): ResultWriter {
  const lines = jsonLines(header, "");
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

function jsonLines(header: readonly string[], lineEnd: string): (rows: readonly ResultRow[]) => string {
  const width = header.length;
  const labels = ownNames(header).map((name) => `${JSON.stringify(name)}:`);
  const line = ({ row, cells, status, errorCode, error, recordId }: ResultRow) => {
    let text = "{";
    for (let at = 0; at < width; at++) text += `${labels[at]}${JSON.stringify(cells[at] ?? "")},`;
    text += `"_row":${row},"_status":"${status}","_error_code":${JSON.stringify(errorCode)}`;
    text += `,"_error":${JSON.stringify(error)},"_id":${recordId}`;
    if (cells.length > width) {
      const extra = extraCells(cells, width);
      if (extra.length > 0) text += `,"${EXTRA}":${JSON.stringify(extra)}`;
    }
    return `${text}}${lineEnd}`;
  };
  return (rows) => rows.map(line).join("");
}

/** Empty ones at the end come of a delimiter too many. */
function extraCells(cells: readonly string[], width: number): readonly string[] {
  return cells.slice(width, cells.findLastIndex((cell) => cell !== "") + 1);
}

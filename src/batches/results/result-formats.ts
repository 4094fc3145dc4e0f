/** Writes result files. JSON is written as text, because JavaScript objects reorder names such as "2". */
import { csvRecord, defuse } from "../../platform/csv/cells.ts";
import { uniqueNames } from "../../platform/csv/unique-names.ts";
import { EXTRA_COLUMN, RESULT_COLUMNS } from "../../targets/match-header.ts";
import { plainLines } from "./plain-lines.ts";
import { type ResultRow, type RowText, readRow } from "./result-rows.ts";

export const RESULT_FORMATS = ["csv", "json", "ndjson"] as const;
export type ResultFormat = (typeof RESULT_FORMATS)[number];

export const MEDIA_TYPES: Readonly<Record<ResultFormat, string>> = {
  csv: "text/csv",
  json: "application/json",
  ndjson: "application/x-ndjson",
};

type PageRows = readonly (ResultRow | RowText)[];

/** A file consists of the head, any number of pages, and the tail. */
export interface ResultWriter {
  readonly head: string;
  readonly tail: string;
  page(rows: PageRows): string;
}

export interface ResultColumns {
  /** The columns of the uploaded file. */
  readonly header: readonly string[];
  /** Whether rows may have more cells than the header has names. */
  readonly hasExtra: boolean;
}

export function resultWriter(
  format: ResultFormat,
  columns: ResultColumns,
  { withBom = false } = {},
): ResultWriter {
  switch (format) {
    case "csv":
      return csvWriter(columns, withBom);
    case "json":
      return jsonWriter(columns);
    case "ndjson":
      return { head: "", tail: "", page: jsonLines(columns, "\n") };
  }
}

/** The names of the uploaded columns. A column that is named like a result column is renamed. */
function uploadedNames({ header }: ResultColumns): string[] {
  const reserved = [...RESULT_COLUMNS, EXTRA_COLUMN];
  return uniqueNames([...reserved, ...header]).slice(reserved.length);
}

function csvWriter(columns: ResultColumns, withBom: boolean): ResultWriter {
  const width = columns.header.length;
  const names = [
    ...uploadedNames(columns).map(defuse),
    ...RESULT_COLUMNS,
    ...(columns.hasExtra ? [EXTRA_COLUMN] : []),
  ];
  const cellsOf = ({ row, cells, status, errorCode, error, recordId, recordKey }: ResultRow) => {
    const line: string[] = [];
    for (let at = 0; at < width; at++) line.push(defuse(cells[at] ?? ""));
    line.push(
      String(row),
      status,
      defuse(errorCode ?? ""),
      defuse(error ?? ""),
      String(recordId ?? recordKey ?? ""),
    );
    if (columns.hasExtra) line.push(extraCells(cells, width) ?? "");
    return line;
  };
  const plainLine = plainLines(width, columns.hasExtra);
  const line = (row: ResultRow | RowText) =>
    (typeof row === "string" ? plainLine(row) : null) ?? csvRecord(cellsOf(asRow(row)));
  return {
    head: (withBom ? "\uFEFF" : "") + csvRecord(names),
    tail: "",
    page: (rows) => rows.map(line).join(""),
  };
}

const asRow = (row: ResultRow | RowText) => (typeof row === "string" ? readRow(row) : row);

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

function jsonLines(columns: ResultColumns, lineEnd: string): (rows: PageRows) => string {
  const width = columns.header.length;
  const labels = uploadedNames(columns).map((name) => `${JSON.stringify(name)}:`);
  const line = ({ row, cells, status, errorCode, error, recordId, recordKey }: ResultRow) => {
    let text = "{";
    for (let at = 0; at < width; at++) text += `${labels[at]}${JSON.stringify(cells[at] ?? "")},`;
    text += `"_row":${row},"_status":"${status}","_error_code":${JSON.stringify(errorCode)}`;
    text += `,"_error":${JSON.stringify(error)},"_id":${recordId ?? recordKey}`;
    const extra = extraCells(cells, width);
    if (extra) text += `,"${EXTRA_COLUMN}":${extra}`;
    return `${text}}${lineEnd}`;
  };
  return (rows) => rows.map((row) => line(asRow(row))).join("");
}

/** The cells beyond the header as a JSON array. Null if all of them are empty: the row has only surplus delimiters. */
function extraCells(cells: readonly string[], width: number): string | null {
  if (cells.length <= width) return null;
  const extra = cells.slice(width);
  return extra.some((cell) => cell !== "") ? JSON.stringify(extra) : null;
}

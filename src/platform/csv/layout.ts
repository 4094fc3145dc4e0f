/** Finds the lines above a table, its header, and whether it has one, from the first records of a file. */
import { isBlank, isMissing, type Kind, kindOf } from "./cell-types.ts";
import { filledWidth, type Sample } from "./sample.ts";

export interface Layout {
  /** The number of rows above the table. */
  readonly preambleRows: number;
  /** The number of these that are not blank. */
  readonly preambleRecords: number;
  /** The number of records that have the column names; 0 if the table has no header. */
  readonly headerRows: number;
  /** From 0 to 1: how sure it is that the table has a header, or has none. */
  readonly confidence: number;
}

export interface KnownLayout {
  /** Whether all lines above the table are skipped already. */
  readonly isStart: boolean;
  readonly header: boolean | undefined;
  readonly headerRows: number | undefined;
}

type Rows = Sample["records"];

const MAX_HEADER_ROWS = 5;
/** The smallest number of rows that show the kind of a column, for a header of several rows. */
const MIN_DATA_ROWS = 3;
/** The smallest share of the cells of a column that have its kind. */
const MIN_KIND = 0.9;
/** In a narrow table, a remark with a delimiter can be nearly as wide as the table. */
const MAX_WIDTH_OF_REMARKS = 4;
/** The share of a table's columns that a line above it may fill. */
const MAX_FILLED_ABOVE = 0.5;

const SURE = 0.95;
const UNSURE = 0.6;

/** Finds where the table begins below titles and remarks, and whether its first line is a header. */
export function findLayout(records: Rows, isTable: boolean, known: KnownLayout): Layout {
  const { above } = isTable ? linesAbove(records) : remarksAbove(records);
  return known.isStart || known.header === false
    ? layoutOf(records, 0, known)
    : layoutOf(records, above, known);
}

function layoutOf(records: Rows, above: number, known: KnownLayout): Layout {
  const rows = records.slice(above);
  const preamble = { preambleRows: above === 0 ? 0 : (rows[0]?.row ?? 1) - 1, preambleRecords: above };
  if (known.header === false) return { ...preamble, headerRows: 0, confidence: 1 };
  const isGiven = known.header === true || known.headerRows !== undefined;
  const { hasHeader, confidence } = isGiven ? { hasHeader: true, confidence: 1 } : recognizeHeader(rows);
  return { ...preamble, headerRows: hasHeader ? (known.headerRows ?? countHeaderRows(rows)) : 0, confidence };
}

/**
 * Finds the records above the table: titles, which fill one column of a wider table, remarks that begin with `#`,
 * and narrow lines that a blank line separates from the table.
 */
export function linesAbove(records: Rows): { above: number; isRemark: boolean } {
  const none = { above: 0, isRemark: false };
  const width = records.reduce((most, { fields }) => Math.max(most, filledWidth(fields)), 0);
  if (width < 2) return remarksAbove(records);
  const isTitle = (at: number) => {
    const { fields } = records[at] ?? { fields: [] };
    const filled = filledWidth(fields);
    if (filled < 2) return true;
    const isNarrow = width <= MAX_WIDTH_OF_REMARKS || filled <= width * MAX_FILLED_ABOVE;
    return isNarrow && /^\s*(?:#|\/\/)/.test(fields[0] ?? "") && !isSimilar(records, at);
  };
  let above = 0;
  while (above < records.length && isTitle(above)) above++;
  for (let at = above + 1; at <= Math.min(records.length - 2, 2 * above + 10); at++) {
    if (isGap(records, at) && (areNarrow(records, above, at) || isTitleAbove(records, above, at))) above = at;
  }
  if (above === 0) return none;
  const below = records.length - above;
  const isRemark = records.slice(0, above).every(({ fields }) => /^\s*#/.test(fields[0] ?? ""));
  if (below < above && !isRemark) return none;
  return below > 1 || isGap(records, above) ? { above, isRemark } : none;
}

/** In a file with one column, only remarks are above the table. */
function remarksAbove(records: Rows): { above: number; isRemark: boolean } {
  const first = records.findIndex(({ fields }) => !/^\s*#\s/.test(fields[0] ?? ""));
  return { above: Math.max(0, first), isRemark: first > 0 };
}

/** Whether blank lines lie between a record and the one before. */
function isGap(records: Rows, at: number): boolean {
  return (records[at]?.row ?? 0) - (records[at - 1]?.row ?? 0) > 1;
}

/** Whether a record is as wide as the next one. */
function isSimilar(records: Rows, at: number): boolean {
  return records[at]?.fields.length === records[at + 1]?.fields.length;
}

/** Whether the records of a group are all narrow compared with the two that follow it, which are alike. */
function areNarrow(records: Rows, from: number, to: number): boolean {
  const width = filledWidth(records[to]?.fields ?? []);
  if (!isSimilar(records, to)) return false;
  return records.slice(from, to).every(({ fields }) => filledWidth(fields) <= width * MAX_FILLED_ABOVE);
}

/** Whether a single line with a delimiter, such as `Report, May 2020`, is above a table that is wider and has a header. */
function isTitleAbove(records: Rows, from: number, to: number): boolean {
  const [line, header] = [records[from]?.fields ?? [], records[to]?.fields ?? []];
  if (to - from !== 1 || !isSimilar(records, to) || filledWidth(line) >= filledWidth(header)) return false;
  const { hasHeader, confidence } = recognizeHeader(records.slice(to));
  return hasHeader && confidence === SURE;
}

/** A table has no header if its first row has the same kinds of cells as the rows below. */
function recognizeHeader(rows: Rows): { hasHeader: boolean; confidence: number } {
  const [first, ...data] = rows;
  if (!first || data.length === 0) return { hasHeader: true, confidence: UNSURE };
  const alike: string[] = [];
  for (const [column, kind] of columnKinds(data).entries()) {
    const cell = (first.fields[column] ?? "").trim();
    if (kind === "text" || cell === "" || isMissing(cell)) continue;
    if (kindOf(cell) !== kind) return { hasHeader: true, confidence: SURE };
    if (!isYearAbove(cell, data, column)) alike.push(cell);
  }
  const isRepeatedBelow = data.some(({ fields }) => isRepeated(first.fields, fields));
  if (alike.length === 0 || (isSequence(alike) && !isRepeatedBelow))
    return { hasHeader: true, confidence: UNSURE };
  return { hasHeader: false, confidence: SURE };
}

/** Whether a cell is a year above cells that are not years: a table with one column per year. */
function isYearAbove(cell: string, data: Rows, column: number): boolean {
  const isYear = (text: string) => /^(?:19|20)\d\d$/.test(text);
  return isYear(cell) && !data.every(({ fields }) => isYear((fields[column] ?? "").trim()));
}

/** Whether cells count: 0, 1, 2 as the names of columns. */
function isSequence(cells: readonly string[]): boolean {
  return (
    cells.length > 2 &&
    cells.every((cell, index) => index === 0 || Number(cell) - Number(cells[index - 1]) === 1)
  );
}

/** The kind that nearly all cells of each column have; "text" if they differ. */
function columnKinds(rows: Rows): Kind[] {
  const width = rows.reduce((most, { fields }) => Math.max(most, fields.length), 0);
  return Array.from({ length: width }, (_, column) => {
    const counts = new Map<Kind, number>();
    let cells = 0;
    for (const { fields } of rows) {
      const cell = (fields[column] ?? "").trim();
      if (cell === "" || isMissing(cell)) continue;
      cells++;
      const kind = kindOf(cell);
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    const common = [...counts].find(([, count]) => count >= MIN_KIND * cells);
    return common?.[0] ?? "text";
  });
}

/** Counts rows that repeat the header, or have only text above columns of numbers, dates or addresses. */
function countHeaderRows(rows: Rows): number {
  const [first] = rows;
  let count = 1;
  while (first && count < Math.min(MAX_HEADER_ROWS, rows.length - 1)) {
    const next = rows[count]?.fields ?? [];
    if (
      !(areNames(first.fields) && isRepeated(first.fields, next)) &&
      !isTextAboveData(first.fields, next, rows.slice(count + 1))
    )
      break;
    count++;
  }
  return count;
}

function isRepeated(header: readonly string[], fields: readonly string[]): boolean {
  return (
    filledWidth(fields) > 1 &&
    header.length === fields.length &&
    header.every((name, at) => name.trim() === fields[at]?.trim())
  );
}

/** Whether most cells of a row can be names of columns. */
export function areNames(fields: readonly string[]): boolean {
  const filled = fields.filter((field) => !isBlank(field));
  return filled.filter((field) => kindOf(field.trim()) === "text").length > filled.length / 2;
}

function isTextAboveData(header: readonly string[], next: readonly string[], data: Rows): boolean {
  if (data.length < MIN_DATA_ROWS || next.length !== header.length) return false;
  let texts = 0;
  for (const [column, kind] of columnKinds(data).entries()) {
    const [above, cell] = [header[column]?.trim() ?? "", next[column]?.trim() ?? ""];
    if (kind === "text" || cell === "" || isMissing(cell)) continue;
    if (kindOf(cell) !== "text" || kindOf(above) !== "text") return false;
    texts++;
  }
  return texts > 1;
}

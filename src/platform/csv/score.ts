/** Scores how well a syntax fits the first records of a file. */
import { isNumber, kindOf, plainness } from "./cell-types.ts";
import { linesAbove } from "./layout.ts";
import { filledWidth, type Sample } from "./sample.ts";

/** The smallest share of records with the same number of columns, by the number of lines above the table. */
const MIN_ALIKE = [0.3, 0.5, 0.9];
/** For characters that are often part of text. */
const MIN_ALIKE_RARE = 0.9;
const MIN_ROWS_RARE = 2;
const MIN_TYPED_RARE = 0.5;
const RARE = 0.7;
/** Below a title, narrower tables with blanks behind the delimiter are prose. */
const MIN_COLUMNS_OF_PROSE = 4;
/** The factor for a table below a title, because the lines above it are not explained. */
const UNDER_TITLE = 0.2;

/** Returns a score from 0 to 1; 0: the file has no second column in this syntax. */
export function scoreOf(sample: Sample, isRare: boolean): number {
  const { records, syntax } = sample;
  if (syntax.blanks === "before-quotes" && sample.paddedCells === 0) return 0;
  const above = linesAbove(sample);
  const rows = records.slice(above);
  const first = rows[0]?.fields.length ?? 0;
  const { width, share, columns } = [first, sample.width, commonWidthOf(rows)]
    .map((one) => alike(rows, one))
    .reduce((best, next) => (next.share > best.share ? next : best));
  if (columns < 2 || share < (MIN_ALIKE[Math.min(above, 2)] ?? 1)) return 0;
  if (isRare && !isLikelyRare(sample, rows, first, width, share)) return 0;
  let cells = 0;
  let plain = 0;
  for (const [index, { fields }] of rows.entries()) {
    for (const [column, cell] of fields.entries()) {
      if (cell === "") continue;
      cells++;
      if (sample.isQuoted(above + index, column)) plain++;
      // A quote inside a cell means that the delimiter is not where the cell begins.
      else if (cell.includes('"')) plain += isUnexplained(cell) ? 0 : plainness(cell);
      else if (!(above > 0 && columns < MIN_COLUMNS_OF_PROSE && column > 0 && cell.startsWith(" ")))
        plain += plainness(cell);
    }
  }
  const damage = sample.isSwallowed ? 0.9 : (0.9 * sample.problems) / records.length;
  const tidiness = syntax.blanks === "before-quotes" ? (sample.paddedCells > 1 ? 1e-6 : -1e-6) : 0;
  // One record shows no agreement, so that its width counts for nothing.
  const evidence = rows.length > 1 ? 1 - 1 / columns : 0.5;
  const quality = (plain / Math.max(1, cells)) * evidence * share * (1 - damage);
  return quality * (above > 0 ? UNDER_TITLE : 1) * (isRare ? RARE : 1) + tidiness;
}

/** Whether a cell has an opening quote inside it. */
function isUnexplained(cell: string): boolean {
  return /\s"\S/.test(cell);
}

type Rows = Sample["records"];

/** @returns the share of rows with `width` fields, and the number of columns that have data in them */
function alike(rows: Rows, width: number): { width: number; share: number; columns: number } {
  let count = 0;
  let columns = 0;
  for (const { fields } of rows) {
    const isTrailing = fields.length === width + 1 && fields[width] === "";
    if (fields.length === width || isTrailing) {
      count++;
      columns = Math.max(columns, filledWidth(fields));
    } else if (fields.length > 1 && fields.length < width) count += 0.5;
  }
  return { width, share: count / Math.max(1, rows.length), columns };
}

function commonWidthOf(rows: Rows): number {
  const counts = new Map<number, number>();
  for (const { fields } of rows) counts.set(fields.length, (counts.get(fields.length) ?? 0) + 1);
  return [...counts].reduce((most, next) => (next[1] > most[1] ? next : most), [0, 0])[0];
}

/** Whether a character that is often part of text is a delimiter: nearly all rows agree, and no row is a value with it. */
function isLikelyRare(sample: Sample, rows: Rows, first: number, width: number, share: number): boolean {
  const { delimiter, blanks } = sample.syntax;
  if (share < MIN_ALIKE_RARE || rows.length < MIN_ROWS_RARE || Math.abs(first - width) > 1) return false;
  let cells = 0;
  let typed = 0;
  let numbers = 0;
  let whole = 0;
  for (const [index, { fields }] of rows.entries()) {
    if (kindOf(fields.join(delimiter).trim()) !== "text") whole++;
    for (const [column, cell] of fields.entries()) {
      if (cell === "") continue;
      cells++;
      const isQuoted = sample.isQuoted(index + sample.records.length - rows.length, column);
      if (isQuoted || kindOf(cell.trim()) !== "text") typed++;
      if (isNumber(cell.trim())) numbers++;
      if (delimiter === ":" && cell.startsWith(" ")) return false;
    }
  }
  if (whole > rows.length / 2) return false;
  if (delimiter !== " ") return true;
  const isEven = width > 2 || numbers >= cells * MIN_TYPED_RARE;
  return isEven && typed >= cells * MIN_TYPED_RARE && (blanks === "delimiter" || sample.problems === 0);
}

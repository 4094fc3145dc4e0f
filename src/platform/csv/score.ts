/** Scores how well a syntax fits the first records of a file. */
import { isNumber, kindOf, plainness } from "./cell-types.ts";
import { linesAbove } from "./layout.ts";
import { commonWidth, filledWidth, type Sample } from "./sample.ts";

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

/** Returns a score up to 1. 0 or less: the file has no second column in this syntax. */
export function scoreOf(sample: Sample, isRare: boolean): number {
  const { records, syntax } = sample;
  if (syntax.blanks === "before-quotes" && sample.padded.size === 0) return -1;
  const damage = sample.isSwallowed ? 0.9 : (0.9 * sample.problems) / Math.max(1, records.length);
  // Among equal scores, prefer the syntax that removes quotes: nobody puts many cells in quotes without a reason.
  const tidiness = syntax.blanks === "before-quotes" ? (sample.padded.size > 1 ? 1e-6 : -1e-6) : 0;
  if (syntax.delimiter === " " && syntax.blanks === "text" && isAligned(sample)) return -1;
  const { above, isRemark } = linesAbove(sample.records);
  const hasTitle = above > 0 && !isRemark;
  const rows: Row[] = records
    .map(({ fields }, record) => ({ fields, record }))
    .slice(above)
    .filter(({ fields }) => !isRemark || !fields[0]?.trimStart().startsWith("#"));
  const fit = fitOf(rows);
  const isTable = fit.columns > 1 && fit.share >= (MIN_ALIKE[hasTitle ? Math.min(above, 2) : 0] ?? 1);
  if (!isTable || (isRare && !isLikelyRare(sample, rows, fit)) || (hasTitle && areNumbers(sample, rows)))
    return tidiness - damage;
  // One record shows no agreement, so that its width counts for nothing.
  const evidence = rows.length > 1 ? 1 - 1 / fit.columns : 0.5;
  const plain = plainShare(sample, rows, hasTitle && fit.columns < MIN_COLUMNS_OF_PROSE);
  const quality = plain * evidence * fit.share * (1 - damage);
  return quality * (hasTitle ? UNDER_TITLE : 1) * (isRare ? RARE : 1) + tidiness;
}

/** Whether a column between others is always empty, so that runs of blanks align the columns. */
function isAligned({ records, width }: Sample): boolean {
  const empty = Array.from({ length: width }, () => true);
  for (const { fields } of records)
    for (const [column, cell] of fields.entries()) if (cell !== "") empty[column] = false;
  return empty.slice(0, empty.lastIndexOf(false) + 1).includes(true);
}

interface Row {
  readonly fields: readonly string[];
  /** The position in the sample. */
  readonly record: number;
}

type Rows = readonly Row[];

interface Fit {
  readonly width: number;
  /** The number of fields of the first row. */
  readonly first: number;
  /** The share of rows with `width` fields. */
  readonly share: number;
  /** The number of columns that have data in these rows. */
  readonly columns: number;
}

/** Tries the width of the first row and the most common width, and returns the one that fits more rows. */
function fitOf(rows: Rows): Fit {
  const first = rows[0]?.fields.length ?? 0;
  const [one, other] = [fitWith(rows, first, first), fitWith(rows, first, commonWidth(rows))];
  return other.share > one.share ? other : one;
}

function fitWith(rows: Rows, first: number, width: number): Fit {
  let count = 0;
  let columns = 0;
  for (const { fields } of rows) {
    const isTrailing = fields.length === width + 1 && fields[width] === "";
    if (fields.length === width || isTrailing) {
      count++;
      columns = Math.max(columns, filledWidth(fields));
    } else if (fields.length > 1 && fields.length < width) count += 0.5;
  }
  return { width, first, share: count / Math.max(1, rows.length), columns };
}

/** Whether the lines are decimal numbers in one column, rather than two columns. */
function areNumbers({ syntax }: Sample, rows: Rows): boolean {
  return rows.every(({ fields }) => isNumber(fields.join(syntax.delimiter).trim()));
}

/** Returns the share of cells that read as one value. */
function plainShare(sample: Sample, rows: Rows, isMaybeProse: boolean): number {
  let cells = 0;
  let plain = 0;
  for (const { fields, record } of rows) {
    for (const [column, cell] of fields.entries()) {
      if (cell === "") continue;
      cells++;
      if (sample.isQuoted(record, column)) plain++;
      else if (!(isMaybeProse && column > 0 && cell.startsWith(" "))) plain += plainness(cell);
    }
  }
  return plain / Math.max(1, cells);
}

/** Whether a character that is often part of text is a delimiter: nearly all rows agree, and no row is a value with it. */
function isLikelyRare(sample: Sample, rows: Rows, { first, width, share }: Fit): boolean {
  const { delimiter } = sample.syntax;
  const agrees = share >= MIN_ALIKE_RARE && Math.abs(first - width) <= 1;
  // Cells in quotes between the delimiters of every row are evidence enough.
  const mayBeQuoted = sample.quoted.size >= rows.length && sample.problems === 0;
  if (rows.length < MIN_ROWS_RARE || !(agrees || mayBeQuoted)) return false;
  let cells = 0;
  let typed = 0;
  let numbers = 0;
  let quoted = 0;
  let values = 0;
  for (const { fields, record } of rows) {
    const line = fields.join(delimiter).trim();
    if (kindOf(line) !== "text" || (delimiter === ":" && CLOCK.test(line))) values++;
    for (const [column, cell] of fields.entries()) {
      if (cell === "") continue;
      cells++;
      if (sample.isQuoted(record, column)) quoted++;
      else if (kindOf(cell.trim()) !== "text") typed++;
      if (isNumber(cell.trim())) numbers++;
      if (delimiter === ":" && cell.startsWith(" ")) return false;
    }
  }
  if (values >= rows.length / 2 || !(agrees || quoted >= rows.length)) return false;
  if (delimiter !== " ") return true;
  return quoted + typed >= cells * MIN_TYPED_RARE && (width > 2 || numbers >= cells * MIN_TYPED_RARE);
}

const CLOCK = /\b\d{1,2}:\d{2}\b/;

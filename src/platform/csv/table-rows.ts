/** Passes on the rows of a table: adapts their fields to its columns, and leaves out blank rows, repeated headers and later tables. */
import { DomainError } from "../../errors.ts";
import { SPACE } from "./padded-line.ts";
import type { CsvRecord } from "./parser.ts";
import type { CsvLimits } from "./reader.ts";
import { filledWidth, isBlankRow } from "./sample.ts";
import { type Decoded, isGuess } from "./text.ts";

/** The smallest share of the columns of a table that a later table repeats. */
const MIN_COMMON = 0.5;
const NO_BREAK_SPACE = 0xa0;
/** Begins the second of two joined files. */
const BYTE_ORDER_MARK = 0xfeff;

/** The numbers of rows that are accepted in spite of a problem, or left out, by reason. */
export interface CsvWarnings {
  /** Rows with fewer fields than columns. The missing fields are empty. */
  missing_fields: number;
  /** Rows with more fields than columns, not counting empty ones at the end. */
  extra_fields: number;
  /** Rows with U+FFFD, which replaces bytes that are invalid in the encoding. */
  replaced_characters: number;
  /** Rows with characters beyond ASCII in an encoding that was guessed. */
  guessed_characters: number;
  /** Rows of empty cells, which are left out. */
  blank_rows: number;
  /** Rows that repeat the header exactly, as in joined files. They are left out, and the table goes on. */
  repeated_headers: number;
  /** The headers and rows of later tables with more or fewer columns, which are left out. */
  other_table_rows: number;
}

export function noWarnings(): CsvWarnings {
  return {
    missing_fields: 0,
    extra_fields: 0,
    replaced_characters: 0,
    guessed_characters: 0,
    blank_rows: 0,
    repeated_headers: 0,
    other_table_rows: 0,
  };
}

export interface Table {
  /** The number of columns. */
  readonly width: number;
  /** The names that begin another table if they are repeated. null: no other table is recognized. */
  readonly header: readonly string[] | null;
  readonly keepsBlankRows: boolean;
  readonly keepsLaterTables: boolean;
  /** Whether the empty fields at the end of a row are left out. They are added. */
  readonly isRagged: boolean;
  readonly decoded: Decoded;
}

/** @throws DomainError `too_large` if there are too many rows */
export async function* tableRows(
  blocks: AsyncIterable<CsvRecord[]>,
  table: Table,
  warnings: CsvWarnings,
  limits: CsvLimits,
): AsyncGenerator<CsvRecord[]> {
  const { header } = table;
  const nameCode = header?.[0]?.charCodeAt(0) ?? SPACE;
  let rows = 0;
  let hasEnded = false;
  const isLeftOut = ({ fields, problem }: CsvRecord): boolean => {
    if (hasEnded) {
      warnings.other_table_rows++;
      return true;
    }
    const code = fields[0]?.charCodeAt(0) ?? SPACE;
    // Nearly all rows differ in their first character from the header and from a blank row.
    const isUsual = code > SPACE && code !== NO_BREAK_SPACE && code !== BYTE_ORDER_MARK;
    if (isUsual && code !== nameCode) return false;
    if (header !== null && repeatsHeader(header, fields)) {
      const isSame = filledWidth(fields) === filledWidth(header);
      if (isSame) warnings.repeated_headers++;
      else warnings.other_table_rows++;
      hasEnded = !isSame && !table.keepsLaterTables;
      return true;
    }
    // Formulas without results leave no text.
    const isKept = table.keepsBlankRows || (table.isRagged && problem !== null);
    if (isKept || !isBlankRow(fields)) return false;
    warnings.blank_rows++;
    return true;
  };
  // A function of its own: a suspended one would keep the last record in memory.
  const leaveOut = (block: CsvRecord[]): void => {
    let kept = 0;
    for (const record of block) {
      if (isLeftOut(record)) continue;
      adaptFields(record.fields, table, warnings);
      block[kept++] = record;
    }
    block.length = kept;
    rows += kept;
  };
  for await (const block of blocks) {
    leaveOut(block);
    if (rows > limits.uploadMaxRows) throw tooManyRows(limits);
    yield block;
  }
}

/** Whether a row has the names of the header, possibly with more or fewer columns at its end. */
function repeatsHeader(header: readonly string[], fields: readonly string[]): boolean {
  const common = Math.min(filledWidth(header), filledWidth(fields));
  if (common < 2 || common < header.length * MIN_COMMON) return false;
  for (let column = 0; column < common; column++) {
    if (header[column] !== fields[column]?.trim()) return false;
  }
  return true;
}

/** Adds and removes empty fields at the end, and counts the problems of a row. */
function adaptFields(
  fields: string[],
  { width: columns, isRagged, decoded }: Table,
  warnings: CsvWarnings,
): void {
  if (fields.length < columns && isRagged) while (fields.length < columns) fields.push("");
  else if (fields.length < columns) warnings.missing_fields++;
  else if (fields.length > columns) {
    const extra = countExtraFields(fields, columns);
    fields.length = columns + extra;
    if (extra > 0) warnings.extra_fields++;
  }
  if (decoded.replaced && fields.some((field) => field.includes("\uFFFD"))) warnings.replaced_characters++;
  if (isGuess(decoded) && fields.some((field) => BEYOND_ASCII.test(field))) warnings.guessed_characters++;
}

const BEYOND_ASCII = /[^\0-\x7f]/;

/** Returns the number of fields beyond the columns, not counting empty ones at the end, which have no data. */
export function countExtraFields(fields: readonly string[], columns: number): number {
  let length = fields.length;
  while (length > columns && fields[length - 1] === "") length--;
  return Math.max(0, length - columns);
}

function tooManyRows({ uploadMaxRows, maxRowsName = "UPLOAD_MAX_ROWS" }: CsvLimits): DomainError {
  return new DomainError(
    "too_large",
    `The file has more than ${uploadMaxRows} rows (${maxRowsName}). Split it into smaller files.`,
  );
}

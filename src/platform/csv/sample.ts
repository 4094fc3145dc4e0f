/** Reads the first records of a file with one syntax. */
import { isBlank } from "./cell-types.ts";
import { CsvParser, type CsvRecord } from "./parser.ts";
import type { Syntax } from "./syntax.ts";

/** More than the lines of a sample. */
const MAX_RECORDS = 1024;
/** If a quote that is never closed leaves fewer records than this, it is read as text. */
const MIN_RECORDS = 5;

export interface Sample {
  readonly syntax: Syntax;
  /** The first records, without rows of empty cells. */
  readonly records: readonly CsvRecord[];
  /** The most common number of fields of a record. */
  readonly width: number;
  /** The number of records that are not valid CSV. */
  readonly problems: number;
  /** The quoted cells, each as a number. */
  readonly quoted: ReadonlySet<number>;
  /** Those behind blanks. */
  readonly padded: ReadonlySet<number>;
  /** Whether a quote that is never closed takes most of the block. */
  readonly isSwallowed: boolean;
  isQuoted(record: number, column: number): boolean;
  isPadded(record: number, column: number): boolean;
}

/** Parses the beginning of a file with a syntax that is tried. */
export function takeSample(block: string, isWhole: boolean, syntax: Syntax): Sample {
  const first = readBlock(block, isWhole, syntax, 0);
  const width = commonWidth(first.certain);
  const hasProblems = first.records.some(({ problem }) => problem !== null);
  // With the number of columns, records with misplaced quotes read better.
  const read = hasProblems ? readBlock(block, isWhole, syntax, width) : first;
  const kept = read.records
    .map((_, index) => index)
    .filter((index) => !isBlankRow(read.records[index]?.fields ?? []));
  const at = (record: number, column: number) => cellNumber(kept[record] ?? -1, column);
  const records = kept.flatMap((index) => read.records[index] ?? []);
  return {
    syntax,
    records,
    width: read.isSwallowed ? width : commonWidth(records),
    problems: records.filter(({ problem }) => problem !== null).length,
    padded: read.padded,
    quoted: read.quoted,
    isSwallowed: read.isSwallowed,
    isQuoted: (record, column) => read.quoted.has(at(record, column)),
    isPadded: (record, column) => read.padded.has(at(record, column)),
  };
}

function cellNumber(record: number, column: number): number {
  return column * MAX_RECORDS + record;
}

interface ReadBlock {
  readonly records: readonly CsvRecord[];
  /** The records before a quote that is never closed. */
  readonly certain: readonly CsvRecord[];
  readonly quoted: ReadonlySet<number>;
  readonly padded: ReadonlySet<number>;
  readonly isSwallowed: boolean;
}

function readBlock(block: string, isWhole: boolean, syntax: Syntax, width: number): ReadBlock {
  const quoted = new Set<number>();
  const padded = new Set<number>();
  const onQuoted = (record: number, column: number, isPadded: boolean) => {
    quoted.add(cellNumber(record, column));
    if (isPadded) padded.add(cellNumber(record, column));
  };
  const { records, rest } = new CsvParser(syntax, { width, onQuoted }).parse(block, isWhole);
  const isSwallowed = !isWhole && rest < block.length / 2;
  if (!isWhole && records.length < MIN_RECORDS)
    return {
      ...readBlock(block, true, syntax, width),
      ...(records.length > 0 && { certain: records }),
      isSwallowed,
    };
  return { records, certain: records, quoted, padded, isSwallowed };
}

export function isBlankRow(fields: readonly string[]): boolean {
  return fields.every(isBlank);
}

/** Returns the number of fields that most records have. */
export function commonWidth(records: readonly { readonly fields: readonly string[] }[]): number {
  const counts = new Map<number, number>();
  for (const { fields } of records) counts.set(fields.length, (counts.get(fields.length) ?? 0) + 1);
  return [...counts].reduce((most, next) => (next[1] > most[1] ? next : most), [0, 0])[0];
}

/** Returns the number of fields without the empty ones at the end. */
export function filledWidth(fields: readonly string[]): number {
  return fields.findLastIndex((field) => !isBlank(field)) + 1;
}

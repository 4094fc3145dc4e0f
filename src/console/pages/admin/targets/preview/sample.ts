/** The rows that a definition is tried with. */
import type { Preview } from "../../../imports/preview/read-preview.ts";
import type { Definition } from "../definition/definition.ts";

export interface Sample {
  readonly header: string[];
  readonly rows: string[][];
  /** The numbers of the rows in the file. */
  readonly numbers: readonly number[];
}

/** The browser reads more of each cell than the preview of an import shows. */
export const SAMPLE_LIMITS = { rows: 100, cellChars: 100_000, chars: 600_000 };

/** The API takes 1 MiB with the definition, which has up to 256 KiB. */
const MAX_BYTES = 700_000;
const MAX_COLUMNS = 2000;
const MAX_NAME_CHARS = 1000;

const encoder = new TextEncoder();

/** The first rows of a file, as many as fit into a request. null: the file has no columns. */
export function sampleOf({ names, rows }: Preview): Sample | null {
  const header = names.slice(0, MAX_COLUMNS).map((name) => name.slice(0, MAX_NAME_CHARS));
  if (header.length === 0) return null;
  const kept: string[][] = [];
  const numbers: number[] = [];
  let bytes = 0;
  for (const { row: number, cells, problem } of rows.slice(0, SAMPLE_LIMITS.rows)) {
    if (problem !== null) continue;
    // U+0000 cannot be stored, and an import replaces it as well.
    const row = cells.slice(0, MAX_COLUMNS).map((cell) => cell.replaceAll("\0", "\uFFFD"));
    bytes += encoder.encode(JSON.stringify(row)).length;
    if (bytes > MAX_BYTES) break;
    kept.push(row);
    numbers.push(number);
  }
  return { header, rows: kept, numbers };
}

/** Rows of a sample as example rows of a definition, by the names of their columns. */
export function examplesOf(
  { header, rows }: Omit<Sample, "numbers">,
  mapping: Readonly<Record<string, string>>,
  count: number,
): NonNullable<Definition["example_rows"]> {
  const positions = Object.entries(mapping).map(([column, name]) => [column, header.indexOf(name)] as const);
  return rows
    .slice(0, count)
    .map((row) =>
      Object.fromEntries(
        positions.flatMap(([column, at]) => (at === -1 ? [] : [[column, (row[at] ?? "").slice(0, 10_000)]])),
      ),
    );
}

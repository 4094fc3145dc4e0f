/** Reads a result file that is uploaded again: removes the result columns, and the `'` that `defuse` added to cells. */
import { undefuse } from "../../platform/csv/cells.ts";
import type { CsvRecord } from "../../platform/csv/open-csv.ts";
import { RESULT_COLUMNS, resultColumnsAt } from "../../targets/match-header.ts";

export interface UploadedColumns {
  /** The header without the result columns. */
  readonly names: readonly string[];
  /** The records without the result columns. */
  rows(blocks: AsyncIterable<CsvRecord[]>): AsyncIterable<CsvRecord[]>;
}

/** @param header of any file; only result files are changed */
export function uploadedColumnsOf(header: readonly string[]): UploadedColumns {
  const names = header.map((name) => name.replaceAll("\0", "\uFFFD"));
  const start = resultColumnsAt(names);
  if (start === -1) return { names, rows: (blocks) => blocks };
  const hasExtra = names.length > start + RESULT_COLUMNS.length;
  return {
    names: names.slice(0, start).map(undefuse),
    rows: (blocks) => withoutResults(blocks, start, hasExtra),
  };
}

async function* withoutResults(
  blocks: AsyncIterable<CsvRecord[]>,
  start: number,
  hasExtra: boolean,
): AsyncGenerator<CsvRecord[]> {
  for await (const records of blocks) {
    yield records.map(({ fields, ...record }) => ({
      ...record,
      fields: [
        ...fields.slice(0, start).map(undefuse),
        ...extraCells(fields.slice(start + RESULT_COLUMNS.length), hasExtra),
      ],
    }));
  }
}

/** @returns the cells beyond the header: those in the JSON array in `_extra`, then those behind that column */
function extraCells(cells: readonly string[], hasExtra: boolean): string[] {
  const [extra, ...more] = cells;
  if (!hasExtra || extra === undefined) return cells.map(undefuse);
  return [...(extra === "" ? [] : parseExtra(extra)), ...more.map(undefuse)];
}

/** A text that is not a JSON array was edited by hand; it counts as one cell. */
function parseExtra(extra: string): string[] {
  try {
    const cells: unknown = JSON.parse(extra);
    return Array.isArray(cells) ? cells.map(String) : [extra];
  } catch {
    return [extra];
  }
}

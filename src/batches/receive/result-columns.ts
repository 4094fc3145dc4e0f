/** A results file that comes back: its own columns are taken off, and so are the marks that made its cells safe. */

import { undefuse } from "../../platform/csv/cells.ts";
import type { CsvRecord } from "../../platform/csv/open-csv.ts";
import { RESULT_COLUMNS, resultColumnsAt } from "../../targets/match-header.ts";

export interface Shape {
  /** The columns that were uploaded. */
  readonly names: readonly string[];
  rows(blocks: AsyncIterable<CsvRecord[]>): AsyncIterable<CsvRecord[]>;
}

/** How to take rows from a file of this header: as they are, unless it is a results file. */
export function shapeOf(header: readonly string[]): Shape {
  const names = header.map((name) => name.replaceAll("\0", "\uFFFD"));
  const at = resultColumnsAt(names);
  if (at === -1) return { names, rows: (blocks) => blocks };
  const hasExtra = names.length > at + RESULT_COLUMNS.length;
  return { names: names.slice(0, at).map(undefuse), rows: (blocks) => withoutResults(blocks, at, hasExtra) };
}

async function* withoutResults(
  blocks: AsyncIterable<CsvRecord[]>,
  at: number,
  hasExtra: boolean,
): AsyncGenerator<CsvRecord[]> {
  for await (const records of blocks) {
    yield records.map(({ fields, ...record }) => ({
      ...record,
      fields: [
        ...fields.slice(0, at).map(undefuse),
        ...extraCells(fields.slice(at + RESULT_COLUMNS.length), hasExtra),
      ],
    }));
  }
}

/** The cells that a row had beyond the header, taken out of `_extra`; one that was written over is a cell like others. */
function extraCells(cells: readonly string[], hasExtra: boolean): string[] {
  const [extra, ...more] = cells;
  if (!hasExtra || extra === undefined) return cells.map(undefuse);
  return [...(extra === "" ? [] : cellsIn(extra)), ...more.map(undefuse)];
}

function cellsIn(extra: string): string[] {
  try {
    const cells: unknown = JSON.parse(extra);
    return Array.isArray(cells) ? cells.map(String) : [extra];
  } catch {
    return [extra];
  }
}

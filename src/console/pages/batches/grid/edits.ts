/** Cells that the user has changed and not saved. They outlive the grid, so that another tab or page loses nothing. */

/** One cell. `before` is the stored text. */
export interface Change {
  readonly row: number;
  readonly column: string;
  readonly before: string;
  readonly after: string;
}

type Cells = ReadonlyMap<string, Cell>;

interface Cell {
  readonly before: string;
  readonly after: string;
}

export interface Edits {
  /** By row number, by column. */
  readonly rows: ReadonlyMap<number, Cells>;
  /** The earlier states, the newest last. One paste is one step. */
  readonly steps: readonly ReadonlyMap<number, Cells>[];
  /** Why a row could not be saved, by row number. */
  readonly problems: ReadonlyMap<number, string>;
}

/** Rows that one request can retry. */
export const MAX_EDITED_ROWS = 10_000;
const MAX_STEPS = 100;

export const NO_EDITS: Edits = { rows: new Map(), steps: [], problems: new Map() };

/** A cell that has its stored text again counts as unchanged. */
export function change(edits: Edits, changes: readonly Change[]): Edits {
  const rows = new Map(edits.rows);
  let isChanged = false;
  for (const { row, column, before: stored, after } of changes) {
    const cells = new Map(rows.get(row));
    const known = cells.get(column);
    const before = known?.before ?? stored;
    if (after === (known?.after ?? stored)) continue;
    isChanged = true;
    if (after === before) cells.delete(column);
    else cells.set(column, { before, after });
    if (cells.size > 0) rows.set(row, cells);
    else rows.delete(row);
  }
  if (!isChanged || rows.size > MAX_EDITED_ROWS) return edits;
  return { ...edits, rows, steps: [...edits.steps, edits.rows].slice(-MAX_STEPS) };
}

export function undo(edits: Edits): Edits {
  const rows = edits.steps.at(-1);
  return rows ? { ...edits, rows, steps: edits.steps.slice(0, -1) } : edits;
}

/** Removes rows that are saved. A cell that was changed again in the meantime stays changed. */
export function saved(edits: Edits, done: ReadonlyMap<number, Readonly<Record<string, string>>>): Edits {
  const rows = new Map(edits.rows);
  for (const [row, fields] of done) {
    const left = [...(rows.get(row) ?? [])].flatMap(([column, cell]): [string, Cell][] => {
      const stored = fields[column];
      if (stored === undefined) return [[column, cell]];
      return cell.after === stored ? [] : [[column, { before: stored, after: cell.after }]];
    });
    if (left.length > 0) rows.set(row, new Map(left));
    else rows.delete(row);
  }
  const problems = new Map([...edits.problems].filter(([row]) => rows.has(row) && !done.has(row)));
  return { rows, steps: [], problems };
}

export function refused(edits: Edits, problems: ReadonlyMap<number, string>): Edits {
  return { ...edits, problems: new Map([...edits.problems, ...problems]) };
}

/** The new cells of a row by column, as the API takes them. */
export function fieldsOf(edits: Edits, row: number): Record<string, string> {
  const cells = edits.rows.get(row) ?? new Map<string, Cell>();
  return Object.fromEntries([...cells].map(([column, { after }]) => [column, after]));
}

export function countCells({ rows }: Edits): number {
  return rows.values().reduce((sum, cells) => sum + cells.size, 0);
}

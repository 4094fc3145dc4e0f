/** The contract between a grid of rows and the page that shows it. */
import type { ReactNode } from "react";
import type { Row } from "../data/types.ts";
import type { CellView } from "./cells.ts";
import type { Change } from "./edits.ts";
import type { Slot } from "./windows.ts";

export interface GridModel {
  /** Read by screen readers. */
  readonly label: string;
  readonly header: readonly string[];
  /** The slots that can be scrolled to. */
  readonly count: number;
  /** All rows of the list, which can be more than were read. */
  readonly total: number;
  readonly rowHeight: number;
  readonly widths: readonly number[];
  /** A column before those of the file. */
  readonly lead: { readonly name: string; readonly width: number; readonly cell: (row: Row) => ReactNode };
  readonly at: (index: number) => Slot;
  readonly numberAt: (index: number) => number | undefined;
  readonly onVisible: (first: number, last: number) => void;
  readonly viewCell: (row: Row, column: string) => CellView;
  readonly onOpen: (row: number) => void;
  readonly editing?: GridEditing | undefined;
  /** The slot to show first, and the row that asked for it. */
  readonly target?: { readonly index: number; readonly row: number } | undefined;
}

export interface GridEditing {
  readonly change: (changes: readonly Change[]) => void;
  readonly undo: () => void;
  /** Fills cells from a position on, with rows that may have to be read first. */
  readonly paste: (index: number, column: number, cells: readonly (readonly string[])[]) => void;
  readonly selected: ReadonlySet<number>;
  readonly select: (rows: ReadonlySet<number>) => void;
}

/** A cell by its slot and its column: 0 is the lead column, 1 the first column of the file. */
export interface Position {
  readonly row: number;
  readonly column: number;
}

export interface Area {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

export function areaOf(a: Position, b: Position): Area {
  return {
    top: Math.min(a.row, b.row),
    bottom: Math.max(a.row, b.row),
    left: Math.min(a.column, b.column),
    right: Math.max(a.column, b.column),
  };
}

export function isWithin({ row, column }: Position, { top, bottom, left, right }: Area): boolean {
  return row >= top && row <= bottom && column >= left && column <= right;
}

type Move = (from: Position, size: { rows: number; columns: number; page: number }) => Position;

const MOVES: Readonly<Record<string, Move>> = {
  ArrowUp: ({ row, column }) => ({ row: row - 1, column }),
  ArrowDown: ({ row, column }) => ({ row: row + 1, column }),
  ArrowLeft: ({ row, column }) => ({ row, column: column - 1 }),
  ArrowRight: ({ row, column }) => ({ row, column: column + 1 }),
  Home: ({ row }) => ({ row, column: 0 }),
  End: ({ row }, { columns }) => ({ row, column: columns - 1 }),
  PageUp: ({ row, column }, { page }) => ({ row: row - page, column }),
  PageDown: ({ row, column }, { page }) => ({ row: row + page, column }),
};

const FAR_MOVES: Readonly<Record<string, Move>> = {
  Home: () => ({ row: 0, column: 0 }),
  End: (_, { rows, columns }) => ({ row: rows - 1, column: columns - 1 }),
  ArrowUp: ({ column }) => ({ row: 0, column }),
  ArrowDown: ({ column }, { rows }) => ({ row: rows - 1, column }),
  ArrowLeft: ({ row }) => ({ row, column: 0 }),
  ArrowRight: ({ row }, { columns }) => ({ row, column: columns - 1 }),
};

/** Returns the cell that a key leads to, within the grid; null if the key does not move. */
export function moved(
  from: Position,
  key: string,
  isFar: boolean,
  size: { rows: number; columns: number; page: number },
): Position | null {
  const move = (isFar ? FAR_MOVES : MOVES)[key];
  if (!move) return null;
  const { row, column } = move(from, size);
  return {
    row: Math.max(0, Math.min(size.rows - 1, row)),
    column: Math.max(0, Math.min(size.columns - 1, column)),
  };
}

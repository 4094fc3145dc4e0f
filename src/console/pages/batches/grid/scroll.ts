/** Scrolls through more rows than an element can be high: browsers stop at about 17 million pixels. */
const MAX_HEIGHT = 10_000_000;

export interface Scale {
  /** The height of all rows. */
  readonly full: number;
  /** The height of the element. */
  readonly shown: number;
  /** Pixels of rows per pixel of the scroll bar. */
  readonly ratio: number;
}

/** @param viewport the height that is visible at once */
export function scaleOf(rows: number, rowHeight: number, viewport: number): Scale {
  const full = rows * rowHeight;
  const shown = Math.min(full, MAX_HEIGHT);
  return { full, shown, ratio: shown < full ? (full - viewport) / (shown - viewport) : 1 };
}

/** The rows to draw at an offset, with a few above and below. */
export function rowsAt(
  offset: number,
  { rows, rowHeight, viewport }: { rows: number; rowHeight: number; viewport: number },
): readonly [first: number, last: number] {
  const EXTRA = 6;
  const first = Math.max(0, Math.floor(offset / rowHeight) - EXTRA);
  const last = Math.min(rows - 1, Math.ceil((offset + viewport) / rowHeight) + EXTRA);
  return [first, last];
}

/** The offset at which a row is visible: the same offset if it is visible already. */
export function offsetFor(
  row: number,
  offset: number,
  {
    rowHeight,
    viewport,
    align = "nearest",
  }: { rowHeight: number; viewport: number; align?: "nearest" | "start" },
): number {
  const top = row * rowHeight;
  if (align === "start") return top;
  if (top < offset) return top;
  return top + rowHeight > offset + viewport ? top + rowHeight - viewport : offset;
}

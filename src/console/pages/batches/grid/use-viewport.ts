import { type RefObject, useEffect, useLayoutEffect, useRef, useState } from "react";
import { offsetFor, rowsAt, scaleOf } from "./scroll.ts";

export interface Viewport {
  readonly first: number;
  readonly last: number;
  /** The height of the element with the rows. */
  readonly height: number;
  /** The top of a row, in pixels of that element. */
  readonly topOf: (row: number) => number;
  readonly scrollTo: (row: number, align?: "nearest" | "start") => void;
}

/**
 * Which of many rows of one height are visible. TanStack Virtual keeps an entry per row, which ten million rows do not allow.
 * @param headHeight the height of what covers the rows at the top
 */
export function useViewport(
  element: RefObject<HTMLElement | null>,
  rows: number,
  rowHeight: number,
  headHeight: number,
): Viewport {
  const [size, setSize] = useState(600);
  const [offset, setOffset] = useState(0);
  const viewport = size - headHeight;
  const scale = scaleOf(rows, rowHeight, viewport);
  const state = useRef({ offset, scale });
  state.current = { offset, scale };

  const move = (next: number) => {
    const { scale } = state.current;
    const bounded = Math.max(0, Math.min(next, scale.full - viewport));
    state.current.offset = bounded;
    setOffset(bounded);
    if (element.current) element.current.scrollTop = bounded / scale.ratio;
  };
  const latest = useRef(move);
  latest.current = move;

  useLayoutEffect(() => {
    const grid = element.current;
    if (!grid) return;
    const onScroll = () => {
      const { scale, offset } = state.current;
      // The scroll bar is coarser than the rows if they are many.
      if (Math.abs(grid.scrollTop - offset / scale.ratio) < 1) return;
      setOffset(grid.scrollTop * scale.ratio);
    };
    const onWheel = (event: WheelEvent) => {
      const { scale, offset } = state.current;
      if (scale.ratio === 1 || event.ctrlKey || event.shiftKey || event.deltaY === 0) return;
      event.preventDefault();
      latest.current(offset + event.deltaY * (event.deltaMode === 1 ? rowHeight : 1));
    };
    const observer = new ResizeObserver(() => setSize(grid.clientHeight));
    observer.observe(grid);
    grid.addEventListener("scroll", onScroll, { passive: true });
    grid.addEventListener("wheel", onWheel, { passive: false });
    return () => {
      observer.disconnect();
      grid.removeEventListener("scroll", onScroll);
      grid.removeEventListener("wheel", onWheel);
    };
  }, [element, rowHeight]);

  // A list that got shorter.
  useEffect(() => {
    if (state.current.offset > Math.max(0, scale.full - viewport)) latest.current(scale.full - viewport);
  }, [scale.full, viewport]);

  const [first, last] = rowsAt(offset, { rows, rowHeight, viewport });
  const scrollTop = offset / scale.ratio;
  return {
    first,
    last,
    height: scale.shown,
    topOf: (row) => row * rowHeight - offset + scrollTop,
    scrollTo: (row, align = "nearest") =>
      move(offsetFor(row, state.current.offset, { rowHeight, viewport, align })),
  };
}

/** The part of a graph that a window shows. */

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface View {
  /** The corner of the graph in the window, in pixels. */
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}

export interface Box extends Size {
  readonly x: number;
  readonly y: number;
}

const MIN_SCALE = 0.05;
/** Names can be read from here on. */
const MIN_READABLE = 0.55;
const MAX_SCALE = 2;
const MARGIN = 24;

function clamp(value: number, min: number, max: number): number {
  return Math.max(min, Math.min(max, value));
}

/** All of the graph, in the middle, not larger than life. */
export function showAll(graph: Size, window: Size): View {
  const scale = clamp(
    Math.min((window.width - 2 * MARGIN) / graph.width, (window.height - 2 * MARGIN) / graph.height),
    MIN_SCALE,
    1,
  );
  return {
    scale,
    x: (window.width - graph.width * scale) / 2,
    y: (window.height - graph.height * scale) / 2,
  };
}

/** All of the graph if names can be read then. Otherwise, its beginning. */
export function beginning(graph: Size, window: Size): View {
  const all = showAll(graph, window);
  if (all.scale >= MIN_READABLE) return all;
  const scale = 0.8;
  const middle = (window.height - graph.height * scale) / 2;
  return { scale, x: MARGIN, y: graph.height * scale <= window.height ? middle : MARGIN };
}

/** @param at the point that stays where it is */
export function zoom(view: View, factor: number, at: { readonly x: number; readonly y: number }): View {
  const scale = clamp(view.scale * factor, MIN_SCALE, MAX_SCALE);
  const ratio = scale / view.scale;
  return { scale, x: at.x - (at.x - view.x) * ratio, y: at.y - (at.y - view.y) * ratio };
}

/** Moves as little as possible, so that the box is in the window. */
export function reveal(view: View, box: Box, window: Size): View {
  const scale = Math.max(view.scale, MIN_READABLE);
  const start = scale === view.scale ? view : zoom(view, scale / view.scale, { x: 0, y: 0 });
  const shift = (from: number, length: number, room: number): number => {
    if (from < MARGIN) return MARGIN - from;
    const over = from + length - (room - MARGIN);
    return over > 0 ? -over : 0;
  };
  return {
    scale,
    x: start.x + shift(start.x + box.x * scale, box.width * scale, window.width),
    y: start.y + shift(start.y + box.y * scale, box.height * scale, window.height),
  };
}

/** Whether the window shows a part of the box. A little more is drawn, so that moving shows no gaps. */
export function isVisible(view: View, box: Box, window: Size): boolean {
  const x = view.x + box.x * view.scale;
  const y = view.y + box.y * view.scale;
  const around = 100;
  return (
    x + box.width * view.scale > -around &&
    y + box.height * view.scale > -around &&
    x < window.width + around &&
    y < window.height + around
  );
}

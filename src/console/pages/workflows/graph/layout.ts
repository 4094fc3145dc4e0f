/** Places the steps of a workflow: one column per level, each step to the right of all that it depends on. */

export interface Edge {
  readonly from: string;
  readonly to: string;
}

interface Placed {
  readonly name: string;
  /** The column: the longest way from a step without dependencies. */
  readonly level: number;
  readonly x: number;
  readonly y: number;
}

export interface Line {
  readonly from: string;
  readonly to: string;
  /** From the right side of one node to the left side of the other, also through the columns between them. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Layout {
  readonly nodes: readonly Placed[];
  readonly lines: readonly Line[];
  readonly width: number;
  readonly height: number;
}

export const NODE_WIDTH = 184;
export const NODE_HEIGHT = 44;
const COLUMN_GAP = 72;
const ROW_GAP = 16;
/** An edge that passes a column takes less room than a node. */
const PASS_HEIGHT = 8;
/** With more edges, lines go straight: a place for each in every column would cost more than it shows. */
const MAX_PASSES = 4000;
const SWEEPS = 4;

interface Slot {
  /** undefined: an edge passes here. */
  readonly name?: string;
  readonly level: number;
  readonly before: Slot[];
  readonly after: Slot[];
  /** The position in its column. */
  order: number;
  y: number;
}

/** Takes time in proportion to the steps and the edges. Edges of unknown steps and of cycles are left out. */
export function layOut(names: readonly string[], edges: readonly Edge[]): Layout {
  const levels = levelsOf(names, edges);
  const slots = new Map<string, Slot>();
  const columns: Slot[][] = [];
  const add = (slot: Slot): Slot => {
    const column = columns[slot.level] ?? [];
    columns[slot.level] = column;
    slot.order = column.length;
    column.push(slot);
    return slot;
  };
  for (const name of names) {
    slots.set(name, add({ name, level: levels.get(name) ?? 0, before: [], after: [], order: 0, y: 0 }));
  }
  const chains = chainsOf(edges, slots, add);
  for (let sweep = 0; sweep < SWEEPS; sweep++) sortColumns(columns, sweep % 2 === 0);
  const height = setHeights(columns);
  return {
    nodes: names.flatMap((name) => {
      const slot = slots.get(name);
      return slot ? [{ name, level: slot.level, x: xOf(slot.level), y: slot.y }] : [];
    }),
    lines: chains.map(({ from, to, slots: passed }) => ({ from, to, points: pointsOf(passed) })),
    width: Math.max(NODE_WIDTH, columns.length * (NODE_WIDTH + COLUMN_GAP) - COLUMN_GAP),
    height,
  };
}

function levelsOf(names: readonly string[], edges: readonly Edge[]): Map<string, number> {
  const waitsFor = new Map(names.map((name) => [name, 0]));
  const dependants = new Map<string, string[]>();
  for (const { from, to } of edges) {
    if (!waitsFor.has(from) || !waitsFor.has(to)) continue;
    waitsFor.set(to, (waitsFor.get(to) ?? 0) + 1);
    const list = dependants.get(from);
    if (list) list.push(to);
    else dependants.set(from, [to]);
  }
  const levels = new Map<string, number>();
  const ready = names.filter((name) => waitsFor.get(name) === 0);
  for (const name of ready) levels.set(name, 0);
  for (let name = ready.pop(); name !== undefined; name = ready.pop()) {
    const level = (levels.get(name) ?? 0) + 1;
    for (const next of dependants.get(name) ?? []) {
      levels.set(next, Math.max(levels.get(next) ?? 0, level));
      const left = (waitsFor.get(next) ?? 1) - 1;
      waitsFor.set(next, left);
      if (left === 0) ready.push(next);
    }
  }
  return levels;
}

interface Chain {
  readonly from: string;
  readonly to: string;
  readonly slots: readonly Slot[];
}

/** Connects the slots of each edge, with one more slot in every column that it passes. */
function chainsOf(
  edges: readonly Edge[],
  slots: ReadonlyMap<string, Slot>,
  add: (slot: Slot) => Slot,
): Chain[] {
  let passes = 0;
  return edges.flatMap(({ from, to }) => {
    const start = slots.get(from);
    const end = slots.get(to);
    if (!start || !end || start.level >= end.level) return [];
    passes += end.level - start.level - 1;
    const chain = [start];
    for (let level = start.level + 1; level < end.level && passes <= MAX_PASSES; level++) {
      chain.push(add({ level, before: [], after: [], order: 0, y: 0 }));
    }
    chain.push(end);
    for (const [at, slot] of chain.entries()) {
      const next = chain[at + 1];
      if (!next) continue;
      slot.after.push(next);
      next.before.push(slot);
    }
    return [{ from, to, slots: chain }];
  });
}

/** Moves each slot towards the middle of its neighbours in the column before, so that fewer lines cross. */
function sortColumns(columns: readonly Slot[][], isForward: boolean): void {
  for (const column of isForward ? columns : columns.toReversed()) {
    const middles = new Map(
      column.map((slot) => [slot, middleOf(slot, isForward ? slot.before : slot.after)]),
    );
    column.sort((one, other) => (middles.get(one) ?? 0) - (middles.get(other) ?? 0));
    for (const [at, slot] of column.entries()) slot.order = at;
  }
}

function middleOf(slot: Slot, neighbours: readonly Slot[]): number {
  if (neighbours.length === 0) return slot.order;
  return neighbours.reduce((sum, { order }) => sum + order, 0) / neighbours.length;
}

/** @returns the height of the graph. Lower columns are centred beside the highest one. */
function setHeights(columns: readonly Slot[][]): number {
  const heights = columns.map((column) => {
    let y = 0;
    for (const slot of column) {
      slot.y = y;
      y += heightOf(slot) + ROW_GAP;
    }
    return Math.max(0, y - ROW_GAP);
  });
  const height = Math.max(NODE_HEIGHT, ...heights);
  for (const [at, column] of columns.entries()) {
    const shift = (height - (heights[at] ?? 0)) / 2;
    for (const slot of column) slot.y += shift;
  }
  return height;
}

function heightOf({ name }: Slot): number {
  return name === undefined ? PASS_HEIGHT : NODE_HEIGHT;
}

function xOf(level: number): number {
  return level * (NODE_WIDTH + COLUMN_GAP);
}

function pointsOf(slots: readonly Slot[]): [number, number][] {
  return slots.flatMap((slot, at): [number, number][] => {
    const middle = slot.y + heightOf(slot) / 2;
    const left: [number, number] = [xOf(slot.level), middle];
    const right: [number, number] = [xOf(slot.level) + NODE_WIDTH, middle];
    if (at === 0) return [right];
    return at === slots.length - 1 ? [left] : [left, right];
  });
}

/** An SVG path: a soft curve between two columns, straight beside a node that the line passes. */
export function pathOf({ points }: Line): string {
  const [first, ...rest] = points;
  if (!first) return "";
  let [x, y] = first;
  let path = `M${x} ${y}`;
  for (const [nextX, nextY] of rest) {
    const bend = (nextX - x) / 2;
    path +=
      y === nextY ? `L${nextX} ${nextY}` : `C${x + bend} ${y} ${nextX - bend} ${nextY} ${nextX} ${nextY}`;
    [x, y] = [nextX, nextY];
  }
  return path;
}

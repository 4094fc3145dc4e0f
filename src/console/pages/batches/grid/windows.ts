/**
 * The rows of a batch that a grid shows, read in windows as the user scrolls. Far windows are dropped, so the memory of a
 * page does not grow with the batch.
 *
 * All rows are `dense`: each row number has a slot, and any window can be read alone. Filtered rows are `sparse`: a window
 * begins behind the last row of the window before.
 */
import type { Row, RowPage } from "../data/types.ts";

const WINDOW_ROWS = 100;
const MAX_WINDOWS = 40;
const MAX_BYTES = 32 * 2 ** 20;
/** Windows that scroll past within this time are not read. */
const SETTLE_MS = 60;
const MAX_RUNNING = 2;
/** Empty slots at the end of a sparse list, which are filled when they are shown. */
const TAIL_ROWS = 20;

/** null: the file has a row here that was left out, such as a blank row. undefined: not read yet. */
export type Slot = Row | null | undefined;

export type ReadPage = (at: { fromRow: number; limit: number; signal: AbortSignal }) => Promise<RowPage>;

interface Window {
  readonly slots: readonly (Row | null)[];
  readonly bytes: number;
  isStale: boolean;
}

export interface RowSource {
  readonly read: ReadPage;
  readonly isDense: boolean;
  /** The greatest number of slots from the first row on, if it is dense. It is corrected at the end of the file. */
  readonly maxSlots?: number;
  /** The first row that a sparse list has. */
  readonly fromRow?: number;
}

export class RowWindows {
  readonly #source: RowSource;
  readonly #windows = new Map<number, Window>();
  readonly #running = new Map<number, AbortController>();
  readonly #listeners = new Set<() => void>();
  /** The first row number of each window, as far as they are known. */
  #starts: number[];
  /** The slots of each window of a sparse list that was read once. */
  #sizes: number[] = [];
  #slots = 0;
  #hasMore = true;
  #visible: readonly [first: number, last: number] = [0, 0];
  #settle: ReturnType<typeof setTimeout> | undefined;
  #version = 0;
  #refreshes = 0;
  error: unknown = null;

  constructor(source: RowSource) {
    this.#source = source;
    this.#starts = [source.fromRow ?? 1];
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly version = (): number => this.#version;

  /** The slots of the list: all of a dense one, those read so far and a few more of a sparse one. */
  get count(): number {
    if (this.#source.isDense) return this.#slots;
    return this.#slots + (this.#hasMore && this.#sizes.length > 0 ? TAIL_ROWS : 0);
  }

  get isLoading(): boolean {
    return this.#windows.size === 0 && this.#sizes.length === 0 && this.error === null;
  }

  /** The memory that rows use, in bytes. */
  get bytes(): number {
    return this.#windows.values().reduce((sum, window) => sum + window.bytes, 0);
  }

  at(index: number): Slot {
    const [window, within] = this.#place(index);
    return this.#windows.get(window)?.slots[within];
  }

  /** The rows among the first slots that were read. */
  firstRows(count: number): Row[] {
    return Array.from({ length: Math.min(this.count, count) }, (_, at) => this.at(at)).flatMap(
      (row) => row ?? [],
    );
  }

  /** The row number of a slot, if it is known without reading. */
  numberAt(index: number): number | undefined {
    const slot = this.at(index);
    if (slot) return slot.row;
    return this.#source.isDense ? (this.#starts[0] ?? 1) + index : undefined;
  }

  /** The slot of a row number, as far as it is known. */
  indexOf(row: number): number {
    const [start = 1] = this.#starts;
    if (this.#source.isDense) return Math.max(0, Math.min(this.count - 1, row - start));
    for (const [number, { slots }] of this.#windows) {
      const within = slots.findIndex((slot) => slot?.row === row);
      if (within >= 0) return this.#before(number) + within;
    }
    return -1;
  }

  /** Reads what the user sees, once scrolling pauses. */
  show(first: number, last: number): void {
    this.#visible = [first, last];
    clearTimeout(this.#settle);
    this.#settle = setTimeout(() => this.#load(), this.#windows.size === 0 ? 0 : SETTLE_MS);
  }

  /** Reads the visible rows again and drops the others. What is shown stays until the answer is here. */
  refresh(): void {
    this.#refreshes++;
    const visible = new Set(this.#wanted());
    for (const [number, window] of this.#windows) {
      if (visible.has(number)) window.isStale = true;
      else this.#windows.delete(number);
    }
    this.error = null;
    // New rows can follow the last one.
    if (!this.#source.isDense) this.#hasMore = true;
    this.#load();
  }

  /** Reads a sparse list up to this slot. */
  async reach(index: number, signal: AbortSignal): Promise<void> {
    while (this.#slots <= index && this.#hasMore && !signal.aborted) {
      const next = this.#sizes.length;
      await this.#read(next, signal);
    }
  }

  dispose(): void {
    clearTimeout(this.#settle);
    for (const running of this.#running.values()) running.abort();
    this.#listeners.clear();
  }

  #place(index: number): readonly [window: number, within: number] {
    if (this.#source.isDense) return [Math.floor(index / WINDOW_ROWS), index % WINDOW_ROWS];
    let rest = index;
    for (const [number, size] of this.#sizes.entries()) {
      if (rest < size) return [number, rest];
      rest -= size;
    }
    return [this.#sizes.length, rest];
  }

  #before(window: number): number {
    return this.#sizes.slice(0, window).reduce((sum, size) => sum + size, 0);
  }

  #wanted(): number[] {
    const [first, last] = this.#visible;
    const from = this.#place(Math.max(0, first))[0];
    const to = this.#place(Math.max(0, Math.min(last, this.count - 1)))[0];
    return Array.from({ length: to - from + 1 }, (_, at) => from + at);
  }

  #load(): void {
    // A refresh tries again. Each failure draws the grid, which would load without end.
    if (this.error !== null) return;
    const wanted = this.#wanted();
    for (const [number, running] of this.#running) {
      if (wanted.includes(number)) continue;
      running.abort();
      this.#running.delete(number);
    }
    for (const number of wanted) {
      if (this.#running.size >= MAX_RUNNING) return;
      const window = this.#windows.get(number);
      if (this.#running.has(number) || (window && !window.isStale) || this.#startOf(number) === undefined)
        continue;
      if (!window && !this.#source.isDense && number >= this.#sizes.length && !this.#hasMore) continue;
      const running = new AbortController();
      this.#running.set(number, running);
      void this.#read(number, running.signal)
        .catch((error: unknown) => {
          if (running.signal.aborted) return;
          this.error = error;
          this.#changed();
        })
        .finally(() => {
          if (this.#running.get(number) === running) this.#running.delete(number);
          if (!running.signal.aborted && this.error === null) this.#load();
        });
    }
  }

  #startOf(window: number): number | undefined {
    if (!this.#source.isDense || window === 0) return this.#starts[window];
    return this.#slots > 0 ? (this.#starts[0] ?? 1) + window * WINDOW_ROWS : undefined;
  }

  async #read(window: number, signal: AbortSignal): Promise<void> {
    const start = this.#startOf(window);
    if (start === undefined) return;
    const refreshes = this.#refreshes;
    const isFirst = window === 0 && this.#slots === 0;
    const end = this.#source.isDense && !isFirst ? start + WINDOW_ROWS : this.#starts[window + 1];
    const rows: Row[] = [];
    let fromRow = start;
    let hasMore = true;
    // A page of long rows ends early. A window whose end is known can have more rows than a page.
    do {
      const page = await this.#source.read({ fromRow, limit: WINDOW_ROWS, signal });
      rows.push(...page.items);
      hasMore = page.hasMore;
      fromRow = (page.items.at(-1)?.row ?? fromRow) + 1;
    } while (hasMore && end !== undefined && fromRow < end && !signal.aborted);
    signal.throwIfAborted();
    const own = end === undefined ? rows : rows.filter(({ row }) => row < end);
    if (this.#source.isDense) this.#keepDense(window, isFirst, own, hasMore || own.length < rows.length);
    else this.#keepSparse(window, own, hasMore || own.length < rows.length);
    const kept = this.#windows.get(window);
    // A refresh came during the read, which may have missed what has changed.
    if (kept) kept.isStale = refreshes !== this.#refreshes;
    this.error = null;
    this.#drop();
    this.#changed();
  }

  #keepDense(window: number, isFirst: boolean, rows: readonly Row[], hasMore: boolean): void {
    if (isFirst) {
      const start = rows[0]?.row ?? 1;
      this.#starts = [start];
      this.#slots = rows.length > 0 ? Math.max(this.#source.maxSlots ?? 0, rows.length) : 0;
      this.#sizes = [0];
    }
    const start = this.#startOf(window) ?? 1;
    const within = rows.filter(({ row }) => row < start + WINDOW_ROWS);
    if (!hasMore && within.length === rows.length) {
      // The end of the file. An empty window is behind it, and the true end is in a window before.
      const end = rows.length > 0 ? (rows.at(-1)?.row ?? 0) + 1 : start;
      this.#slots = Math.max(0, end - (this.#starts[0] ?? 1));
    }
    const slots = Array<Row | null>(WINDOW_ROWS).fill(null);
    for (const row of within) slots[row.row - start] = row;
    this.#keep(window, slots, within);
  }

  #keepSparse(window: number, rows: readonly Row[], hasMore: boolean): void {
    const isLast = window >= this.#sizes.length - 1;
    this.#sizes[window] = rows.length;
    this.#slots = this.#before(this.#sizes.length);
    const last = rows.at(-1);
    if (isLast) {
      this.#hasMore = hasMore;
      if (hasMore && last) this.#starts[window + 1] = last.row + 1;
    }
    this.#keep(window, [...rows], rows);
  }

  #keep(window: number, slots: readonly (Row | null)[], rows: readonly Row[]): void {
    this.#windows.set(window, {
      slots,
      bytes: rows.reduce((sum, row) => sum + bytesOf(row), 0),
      isStale: false,
    });
  }

  /** Drops the windows that are farthest from what is shown. */
  #drop(): void {
    const [first, last] = this.#wanted().values().take(1).toArray().concat(this.#wanted().slice(-1));
    const middle = ((first ?? 0) + (last ?? 0)) / 2;
    const far = [...this.#windows.keys()].toSorted((a, b) => Math.abs(b - middle) - Math.abs(a - middle));
    for (const number of far) {
      if (this.#windows.size <= MAX_WINDOWS && this.bytes <= MAX_BYTES) return;
      if (number >= (first ?? 0) && number <= (last ?? 0)) return;
      this.#windows.delete(number);
    }
  }

  #changed(): void {
    this.#version++;
    for (const listener of this.#listeners) listener();
  }
}

/** An estimate: a character takes up to two bytes, and each cell an entry of an object. */
function bytesOf({ fields, errors }: Row): number {
  let bytes = 500 + errors.length * 200;
  for (const cell of Object.values(fields)) bytes += 2 * cell.length + 40;
  return bytes;
}

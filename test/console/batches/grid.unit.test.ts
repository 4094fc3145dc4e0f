/** The parts of the grid that need no page. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { RowmillError } from "../../../src/client/errors.ts";
import type { Row } from "../../../src/console/pages/batches/data/types.ts";
import { formatCells, parseCells } from "../../../src/console/pages/batches/grid/clipboard.ts";
import {
  change,
  countCells,
  fieldsOf,
  MAX_EDITED_ROWS,
  NO_EDITS,
  refused,
  saved,
  undo,
} from "../../../src/console/pages/batches/grid/edits.ts";
import { moved } from "../../../src/console/pages/batches/grid/grid-model.ts";
import { saveEdits } from "../../../src/console/pages/batches/grid/save-edits.ts";
import { offsetFor, rowsAt, scaleOf } from "../../../src/console/pages/batches/grid/scroll.ts";
import { type ReadPage, RowWindows } from "../../../src/console/pages/batches/grid/windows.ts";
import { addSample, type Sample, speedsOf } from "../../../src/console/pages/batches/throughput.ts";

test("cells of a spreadsheet come back from the clipboard as they were copied", () => {
  const cells = [
    ["plain", "two words", ""],
    ["a\tb", 'says "hi"', "two\nlines"],
    ['"quoted"', "5'", "end"],
  ];
  expect(parseCells(formatCells(cells))).toEqual(cells);
  expect(parseCells("a\tb\r\nc\td\r\n")).toEqual([
    ["a", "b"],
    ["c", "d"],
  ]);
  expect(parseCells('12" pipe\tx')).toEqual([['12" pipe', "x"]]);
  expect(parseCells('"never closed\tx')).toEqual([['"never closed', "x"]]);
  expect(parseCells("")).toEqual([[""]]);
});

const cell = (row: number, before: string, after: string, column = "title") => ({
  row,
  column,
  before,
  after,
});

test("a change can be undone, and a cell with its old text is not changed", () => {
  const first = change(NO_EDITS, [cell(3, "", "Emma")]);
  const pasted = change(first, [cell(3, "", "Emma Woodhouse"), cell(4, "x", "y")]);
  expect(countCells(pasted)).toBe(2);
  expect(fieldsOf(undo(pasted), 3)).toEqual({ title: "Emma" });
  expect(undo(undo(pasted)).rows.size).toBe(0);
  expect(change(first, [cell(3, "", "")]).rows.size).toBe(0);
  expect(change(first, [cell(3, "", "Emma")])).toBe(first);
});

test("more rows than one retry takes are refused", () => {
  const many = Array.from({ length: MAX_EDITED_ROWS + 1 }, (_, at) => cell(at + 2, "", "x"));
  expect(change(NO_EDITS, many)).toBe(NO_EDITS);
});

test("a cell that was changed while it was saved stays changed", () => {
  const edits = change(NO_EDITS, [cell(3, "", "Emma"), cell(4, "", "Persuasion")]);
  const typing = change(edits, [cell(3, "", "Emma II")]);
  const left = saved(typing, new Map([[3, { title: "Emma" }]]));
  expect(left.rows.get(3)?.get("title")).toEqual({ before: "Emma", after: "Emma II" });
  expect(saved(left, new Map([[4, { title: "Persuasion" }]])).rows.has(4)).toBe(false);
});

test("a row that the API refuses keeps its changes, and the others are saved", async () => {
  const edits = change(NO_EDITS, [cell(3, "", "a"), cell(4, "", "too long"), cell(5, "", "c")]);
  const sent: number[][] = [];
  const { done, problems } = await saveEdits(edits, async (rows) => {
    sent.push(rows.map(({ row }) => row));
    const at = rows.findIndex(({ row }) => row === 4);
    if (at < 0) return;
    const field_errors = { [`rows.${at}.fields.title`]: ["Row 4: the cell exceeds 9 bytes."] };
    throw new RowmillError("Invalid", { status: 400, code: "invalid_input", field_errors });
  });
  expect(sent).toEqual([
    [3, 4, 5],
    [3, 5],
  ]);
  expect([...done.keys()]).toEqual([3, 5]);
  expect(refused(saved(edits, done), problems)).toMatchObject({
    rows: new Map([[4, new Map([["title", { before: "", after: "too long" }]])]]),
    problems: new Map([[4, "Row 4: the cell exceeds 9 bytes."]]),
  });
});

test("a failure that is about no row is thrown", async () => {
  const edits = change(NO_EDITS, [cell(3, "", "a")]);
  const failing = async () => {
    throw new RowmillError("The batch has not ended.", { status: 409, code: "conflict" });
  };
  await expect(saveEdits(edits, failing)).rejects.toThrow("has not ended");
});

test("ten million rows are higher than an element can be, and every one can be reached", () => {
  const few = scaleOf(100, 36, 600);
  expect(few).toEqual({ full: 3600, shown: 3600, ratio: 1 });
  const many = scaleOf(10_000_000, 36, 600);
  expect(many.shown).toBe(10_000_000);
  // The end of the scroll bar is the end of the rows.
  expect((many.shown - 600) * many.ratio + 600).toBeCloseTo(many.full);
  const [, last] = rowsAt((many.shown - 600) * many.ratio, {
    rows: 10_000_000,
    rowHeight: 36,
    viewport: 600,
  });
  expect(last).toBe(9_999_999);
  expect(offsetFor(5, 0, { rowHeight: 36, viewport: 600 })).toBe(0);
  expect(offsetFor(50, 0, { rowHeight: 36, viewport: 600 })).toBe(51 * 36 - 600);
});

test("keys move within the grid", () => {
  const size = { rows: 100, columns: 5, page: 10 };
  expect(moved({ row: 0, column: 0 }, "ArrowUp", false, size)).toEqual({ row: 0, column: 0 });
  expect(moved({ row: 95, column: 2 }, "PageDown", false, size)).toEqual({ row: 99, column: 2 });
  expect(moved({ row: 5, column: 2 }, "End", true, size)).toEqual({ row: 99, column: 4 });
  expect(moved({ row: 5, column: 2 }, "a", false, size)).toBeNull();
});

const rowOf = (row: number): Row => ({
  row,
  task_id: "",
  batch_id: "",
  status: "failed",
  fields: { title: `Title ${row}` },
  attempts: 1,
  job_id: null,
  record_id: null,
  record_key: null,
  effect: null,
  error_code: null,
  error_message: null,
  errors: [],
  waiting: null,
  undo: null,
  created_at: "",
  completed_at: null,
});

/** Answers as the API does from rows with these numbers. */
function readerOf(numbers: () => readonly number[]): ReadPage {
  return async ({ fromRow, limit }) => {
    const found = numbers().filter((row) => row >= fromRow);
    return { items: found.slice(0, limit).map(rowOf), hasMore: found.length > limit };
  };
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at);

describe("windows of rows", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  /** Waits until scrolling has paused and the answers have come. */
  const settle = () => vi.advanceTimersByTimeAsync(100);

  test("any row of a large file is read alone, and far rows are dropped", async () => {
    const reads: number[] = [];
    const read: ReadPage = async ({ fromRow, limit }) => {
      reads.push(fromRow);
      return { items: range(Math.max(2, fromRow), fromRow + limit - 1).map(rowOf), hasMore: true };
    };
    const rows = new RowWindows({ read, isDense: true, maxSlots: 200_000 });
    rows.show(0, 20);
    await settle();
    expect(rows.at(20)?.row).toBe(22);
    const far = rows.indexOf(90_000);
    rows.show(far, far + 20);
    await settle();
    expect(rows.at(far)?.row).toBe(90_000);
    expect(rows.count).toBe(200_000);
    expect(reads.length).toBeLessThan(5);
    for (let at = 0; at < 8000; at += 100) {
      rows.show(at, at + 99);
      await settle();
      expect(rows.at(at)?.row).toBe(at + 2);
    }
    expect(rows.bytes).toBeLessThan(40 * 100 * 1000);
    expect(rows.at(far)).toBeUndefined();
    rows.dispose();
  });

  test("row numbers that the reader left out have empty slots, and the last row ends the list", async () => {
    const read = readerOf(() => [...range(5, 50), ...range(53, 130)]);
    const rows = new RowWindows({ read, isDense: true, maxSlots: 128 });
    rows.show(0, 20);
    await settle();
    expect(rows.at(0)?.row).toBe(5);
    expect(rows.at(46)).toBeNull();
    expect(rows.numberAt(46)).toBe(51);
    rows.show(100, 127);
    await settle();
    expect(rows.at(100)?.row).toBe(105);
    expect(rows.count).toBe(126);
    rows.dispose();
  });

  test("a filtered list grows as it is read, and a row that leaves it moves no other window", async () => {
    let numbers = range(1, 250).map((at) => at * 10);
    const read = readerOf(() => numbers);
    const rows = new RowWindows({ read, isDense: false });
    rows.show(0, 20);
    await settle();
    expect(rows.at(0)?.row).toBe(10);
    await rows.reach(249, AbortSignal.timeout(5000));
    expect(rows.count).toBe(250);
    rows.show(105, 120);
    numbers = numbers.filter((row) => row !== 1050);
    rows.refresh();
    await settle();
    expect(rows.at(104)?.row).toBe(1060);
    rows.show(180, 200);
    await settle();
    expect(rows.at(199)?.row).toBe(2010);
    rows.dispose();
  });

  test("rows that change while they are read are read again", async () => {
    let title = "old";
    const read: ReadPage = async () => {
      const items = [{ ...rowOf(1), fields: { title } }];
      // The answer is older than the change when it arrives.
      await new Promise((resolve) => setTimeout(resolve, 1000));
      return { items, hasMore: false };
    };
    const rows = new RowWindows({ read, isDense: false });
    rows.show(0, 20);
    await settle();
    title = "new";
    rows.refresh();
    await vi.advanceTimersByTimeAsync(1000);
    expect(rows.at(0)?.fields.title).toBe("old");
    await vi.advanceTimersByTimeAsync(1000);
    expect(rows.at(0)?.fields.title).toBe("new");
    rows.dispose();
  });
});

test("an hour of samples is kept in a bounded list", () => {
  let samples: readonly Sample[] = [];
  for (let second = 1; second <= 3600; second++)
    samples = addSample(samples, { at: second * 1000, done: second * 50 });
  expect(samples.length).toBeLessThan(250);
  expect(speedsOf(samples).every(({ rowsPerSecond }) => Math.abs(rowsPerSecond - 50) < 0.01)).toBe(true);
  expect(addSample(samples, { at: 4_000_000, done: 3 })).toEqual([{ at: 4_000_000, done: 3 }]);
});

import { describe, expect, test } from "vitest";
import { MAX_PLAIN_CHUNK_ROWS, RowMarks } from "../../../src/batches/receive/plan-chunks.ts";

const SIZES = [1, 24, 25, 26, 50, 1000, 1001, 10_000, 102_400, 102_401, 123_457, 1_000_000];

/** Row numbers of a file: the header is row 1. */
type Rows = (count: number) => Generator<number>;

function* withoutGaps(count: number): Generator<number> {
  for (let index = 0; index < count; index++) yield index + 2;
}

/** Blank lines here and there, and many at once now and then. */
function* withGaps(count: number): Generator<number> {
  let row = 4;
  for (let index = 0; index < count; index++) {
    yield row;
    row += index % 101 === 0 ? 30 : index % 7 === 0 ? 3 : 1;
  }
}

function planOf(rows: Rows, count: number, chunkRows = {}, rowBytes = 50) {
  const marks = new RowMarks(chunkRows);
  for (const row of rows(count)) marks.add(row, rowBytes);
  expect(marks.count).toBe(count);
  return marks.plan();
}

describe.each<[string, Rows]>([
  ["without blank lines", withoutGaps],
  ["with blank lines", withGaps],
])("a file %s", (_, rows) => {
  test.each(SIZES)("a plan of %i rows has every row in exactly one chunk", (count) => {
    const plan = planOf(rows, count);
    const found = plan.map(() => 0);
    let at = 0;
    let strays = 0;
    for (const row of rows(count)) {
      while (at < plan.length && row > (plan[at]?.lastRow ?? 0)) at++;
      if (row < (plan[at]?.firstRow ?? Number.POSITIVE_INFINITY)) strays++;
      else found[at] = (found[at] ?? 0) + 1;
    }
    expect(strays).toBe(0);
    expect(plan.map(({ rowCount }) => rowCount)).toEqual(found);
    expect(found.reduce((sum, part) => sum + part, 0)).toBe(count);
    const overlaps = plan.filter(({ firstRow }, index) => firstRow <= (plan[index - 1]?.lastRow ?? 0));
    expect(overlaps).toEqual([]);
  });

  test.each(SIZES)("a plan of %i rows has chunks of a sensible size", (count) => {
    const largest = Math.max(...planOf(rows, count).map(({ rowCount }) => rowCount));
    expect(largest).toBeLessThanOrEqual(Math.min(5000, Math.max(25, count / 20)));
  });
});

test("a big file has chunks of 2,500 to 5,000 rows, but for the last", () => {
  const sizes = planOf(withoutGaps, 1_000_000).map(({ rowCount }) => rowCount);
  for (const size of sizes.slice(0, -1)) {
    expect(size).toBeGreaterThanOrEqual(2500);
    expect(size).toBeLessThanOrEqual(5000);
  }
});

test("chunks don't grow past 5,000 rows however big the file is", () => {
  const plan = planOf(withoutGaps, 30_000_000);
  expect(Math.max(...plan.map(({ rowCount }) => rowCount))).toBeLessThanOrEqual(5000);
});

const PLAIN = { min: 100, max: MAX_PLAIN_CHUNK_ROWS };

test("a large file of plain rows has chunks of 10,000 rows", () => {
  const sizes = planOf(withoutGaps, 1_000_000, PLAIN).map(({ rowCount }) => rowCount);
  expect(sizes).toEqual(Array.from({ length: 100 }, () => 10_000));
});

test("chunks of plain rows have at most 10,000 rows however big the file is", () => {
  const sizes = planOf(withoutGaps, 14_000_000, PLAIN).map(({ rowCount }) => rowCount);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(10_000);
  expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThan(5000);
});

test.each([
  [150, 10_000],
  [250, 8200],
  [400, 5200],
  [600, 5000],
  [1000, 4000],
])(
  "chunks of plain rows of %i bytes have at most %i rows, which PostgreSQL sorts in its memory if they are many",
  (rowBytes, most) => {
    const plan = planOf(withoutGaps, 500_000, PLAIN, rowBytes);
    expect(Math.max(...plan.map(({ rowCount }) => rowCount))).toBe(most);
    for (const { bytes, rowCount } of plan)
      expect(bytes).toBeLessThanOrEqual(rowCount > 5000 ? 2 ** 21 : 2 ** 22);
  },
);

test("a file of 200,000 plain rows has chunks of 5,000", () => {
  expect(planOf(withoutGaps, 200_000, PLAIN)).toEqual(planOf(withoutGaps, 200_000));
});

test("a file of 100 rows keeps four workers busy", () => {
  expect(planOf(withoutGaps, 100).length).toBeGreaterThanOrEqual(4);
});

test.each([
  [100, 50, [50]],
  [100, 100, [100]],
  [100, 250, [100, 100, 50]],
  [10, 25, [10, 10, 5]],
  [200, 60, [60]],
  [30, 60, [50, 10]],
  [110, 250, [125, 125]],
])("chunks of at least %i rows divide a file of %i rows into %j", (min, count, sizes) => {
  expect(planOf(withoutGaps, count, { min }).map(({ rowCount }) => rowCount)).toEqual(sizes);
});

test("a limit of the rows of a chunk precedes their minimum", () => {
  const sizes = planOf(withoutGaps, 60, { min: 100, max: 25 }).map(({ rowCount }) => rowCount);
  expect(sizes).toEqual([25, 25, 10]);
});

test("the minimum does not change the chunks of a large file", () => {
  expect(planOf(withGaps, 10_000, { min: 100 })).toEqual(planOf(withGaps, 10_000));
});

test("no rows make no chunks", () => {
  expect(new RowMarks().plan()).toEqual([]);
});

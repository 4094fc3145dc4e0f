import { expect, test } from "vitest";
import { MAX_ROW_NUMBER, newBatchId, rowIdOf } from "../../../src/batches/ids.ts";
import { parseRowId } from "../../../src/legacy/book-upload/row-ids.ts";

const batchId = newBatchId(new Date("2026-01-13T06:30:00.123Z"));

test.each([1, 171, 65_536, MAX_ROW_NUMBER])("the id of row %i contains its batch and row", (row) => {
  expect(parseRowId(rowIdOf(batchId, row))).toEqual({ batchId, row });
});

test("a row id may be in upper case", () => {
  expect(parseRowId(rowIdOf(batchId, 171).toUpperCase())).toEqual({ batchId, row: 171 });
});

test.each([
  ["row 0, which is the batch", batchId],
  ["a row past the highest number", rowIdOf(batchId, MAX_ROW_NUMBER + 1)],
  ["another UUID", "f47ac10b-58cc-4372-a567-0e02ffffffff"],
])("an id of %s names no row", (_, id) => {
  expect(parseRowId(id)).toBeNull();
});

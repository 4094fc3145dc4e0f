import { describe, expect, test } from "vitest";
import { MAX_ROW_NUMBER, newBatchId, parseTaskId, taskIdOf } from "../../src/batches/ids.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const now = new Date("2026-01-13T06:30:00.123Z");

describe("a batch id", () => {
  // Many, since a wrong bit may be right by chance.
  const ids = Array.from({ length: 2000 }, () => newBatchId(now));

  test("is a UUID of version 7 and of the RFC's variant", () => {
    for (const id of ids) {
      expect(id).toMatch(UUID);
      expect(id[14]).toBe("7");
      expect(id[19]).toMatch(/[89ab]/);
    }
  });

  test("begins with its time in milliseconds", () => {
    for (const id of ids) expect(Number.parseInt(id.replace("-", "").slice(0, 12), 16)).toBe(now.getTime());
  });

  test("ends in 32 zero bits, which are the rows'", () => {
    for (const id of ids) expect(id.slice(-8)).toBe("00000000");
  });

  test("is not made twice", () => {
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("sorts by time, also as text", () => {
    const times = [0, 1, 255, 256, 65_536, now.getTime(), now.getTime() + 1, 4_102_444_800_000];
    const inOrder = times.map((time) => newBatchId(new Date(time)));
    expect(inOrder.toSorted()).toEqual(inOrder);
  });
});

describe("a task id", () => {
  const batchId = newBatchId(now);
  const rows = [1, 2, 9, 10, 15, 16, 255, 256, 65_535, 65_536, 1_000_000, MAX_ROW_NUMBER - 1, MAX_ROW_NUMBER];
  const ids = rows.map((row) => taskIdOf(batchId, row));

  test.each(rows)("of row %i names its batch and its row", (row) => {
    const id = taskIdOf(batchId, row);
    expect(id).toMatch(UUID);
    expect(parseTaskId(id)).toEqual({ batchId, row });
  });

  test("is unique, and sorts by row", () => {
    expect(new Set(ids).size).toBe(rows.length);
    expect(ids.toSorted()).toEqual(ids);
  });

  test("is never the batch's own", () => {
    expect(ids).not.toContain(batchId);
  });

  test("may be written in capitals", () => {
    expect(parseTaskId(taskIdOf(batchId, 171).toUpperCase())).toEqual({ batchId, row: 171 });
  });

  test("of row 0 is none: that is the batch", () => {
    expect(parseTaskId(batchId)).toBeNull();
    expect(parseTaskId(taskIdOf(batchId, 0))).toBeNull();
  });

  test("past the highest row number is none", () => {
    expect(parseTaskId(taskIdOf(batchId, MAX_ROW_NUMBER + 1))).toBeNull();
    expect(parseTaskId("f47ac10b-58cc-4372-a567-0e02ffffffff")).toBeNull();
  });
});

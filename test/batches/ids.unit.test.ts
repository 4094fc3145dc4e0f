import { describe, expect, test } from "vitest";
import { MAX_ROW_NUMBER, newBatchId, rowIdOf } from "../../src/batches/ids.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const now = new Date("2026-01-13T06:30:00.123Z");

describe("a batch id", () => {
  // Many, since a wrong bit may be right by chance.
  const ids = Array.from({ length: 2000 }, () => newBatchId(now));

  test("a batch id is a UUID of version 7", () => {
    for (const id of ids) {
      expect(id).toMatch(UUID);
      expect(id[14]).toBe("7");
      expect(id[19]).toMatch(/[89ab]/);
    }
  });

  test("a batch id begins with its time in milliseconds", () => {
    for (const id of ids) expect(Number.parseInt(id.replace("-", "").slice(0, 12), 16)).toBe(now.getTime());
  });

  test("a batch id ends in 32 zero bits for the rows", () => {
    for (const id of ids) expect(id.slice(-8)).toBe("00000000");
  });

  test("batch ids are unique", () => {
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("batch ids sort by time, also as text", () => {
    const times = [0, 1, 255, 256, 65_536, now.getTime(), now.getTime() + 1, 4_102_444_800_000];
    const inOrder = times.map((time) => newBatchId(new Date(time)));
    expect(inOrder.toSorted()).toEqual(inOrder);
  });
});

describe("a row id", () => {
  const batchId = newBatchId(now);
  const rows = [1, 2, 9, 10, 15, 16, 255, 256, 65_535, 65_536, 1_000_000, MAX_ROW_NUMBER - 1, MAX_ROW_NUMBER];
  const ids = rows.map((row) => rowIdOf(batchId, row));

  test.each(rows)("the id of row %i contains its batch and row", (row) => {
    const id = rowIdOf(batchId, row);
    expect(id).toMatch(UUID);
    expect(Number.parseInt(id.slice(-8), 16)).toBe(row);
  });

  test("row ids are unique and sort by row", () => {
    expect(new Set(ids).size).toBe(rows.length);
    expect(ids.toSorted()).toEqual(ids);
  });

  test("a row id differs from the batch id", () => {
    expect(ids).not.toContain(batchId);
  });
});

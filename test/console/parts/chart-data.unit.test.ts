import { describe, expect, test } from "vitest";
import { axisLabels, highestOf, latestOf, rangeAt, stack } from "../../../src/console/parts/chart-data.ts";

describe("numbers of a chart", () => {
  test("bars stand on each other, and gaps stay gaps", () => {
    expect(
      stack([
        [1, null, 3],
        [10, null, 0],
      ]),
    ).toEqual([
      [1, null, 3],
      [11, null, 3],
    ]);
  });

  test("the latest and the highest value are no gaps", () => {
    expect(latestOf([1, 5, 2, null])).toBe(2);
    expect(highestOf([1, 5, 2, null])).toBe(5);
    expect(highestOf([0, null])).toBe(0);
    expect(latestOf([null])).toBeNull();
    expect(highestOf([])).toBeNull();
  });

  test("a point stands for the time until the next one, the last for as long as the one before", () => {
    const times = [0, 60_000, 120_000].map((ms) => new Date(ms));
    expect(rangeAt(times, 0)).toEqual({ from: times[0], to: times[1] });
    expect(rangeAt(times, 2)).toEqual({ from: times[2], to: new Date(180_000) });
    expect(rangeAt(times, 3)).toBeNull();
  });

  test("labels have seconds only in a short chart", () => {
    const at = new Date("2026-05-01T10:20:37Z");
    expect(axisLabels("utc", 60_000)(at)).toContain("20:37");
    expect(axisLabels("utc", 3_600_000)(at)).not.toContain("37");
    expect(axisLabels("utc", 7 * 86_400_000)(at)).toContain("May");
  });
});

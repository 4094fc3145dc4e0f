import { describe, expect, test } from "vitest";
import type { RecentStarts } from "../../../src/schema/task-limits.ts";
import { startsInWindow, startsOf, withStarts } from "../../../src/tasks/limits/free-starts.ts";

test.each([
  ["without a rate, any number", null, -5, Number.POSITIVE_INFINITY],
  ["before the next start, none", 10, -0.001, 0],
  ["at the next start, one", 0.1, 0, 1],
  ["late, one more for each that was due within a quarter of a second", 100, 0.05, 6],
  ["after an hour, no more than for a quarter of a second", 100, 3600, 26],
  ["at a slow rate, only one after an hour", 0.1, 3600, 1],
])("%s may start", (_, perSecond, lateSeconds, starts) => {
  expect(startsOf(perSecond, lateSeconds).allowed).toBe(starts);
});

describe("the last second", () => {
  const recent: RecentStarts[] = [
    [100, 40],
    [100.5, 50],
  ];

  test.each([
    ["without a rate, any number", null, 100.9, { allowed: Number.POSITIVE_INFINITY, inSeconds: 0 }],
    ["what is left of the rate", 100, 100.9, { allowed: 10, inSeconds: 0 }],
    ["nothing until the oldest starts are a second old", 90, 100.75, { allowed: 0, inSeconds: 0.25 }],
    ["what starts of more than a second ago have left", 90, 101.25, { allowed: 40, inSeconds: 0 }],
    ["everything if all starts are from a clock that was wrong", 90, 50, { allowed: 90, inSeconds: 0 }],
    ["one at a slow rate", 0.1, 200, { allowed: 1, inSeconds: 0 }],
  ])("allows %s", (_, perSecond, now, starts) => {
    expect(startsInWindow(perSecond, recent, now)).toEqual(starts);
  });

  test("is remembered without earlier starts, and with starts that are close together as one", () => {
    expect(withStarts(recent, 1, 101.25)).toEqual([
      [100.5, 50],
      [101.25, 1],
    ]);
    let starts: RecentStarts[] = [];
    for (let ms = 0; ms < 5000; ms++) starts = withStarts(starts, 1, ms / 1000);
    expect(starts.length).toBeLessThanOrEqual(100);
    expect(starts.reduce((sum, [, of]) => sum + of, 0)).toBeGreaterThanOrEqual(980);
  });
});

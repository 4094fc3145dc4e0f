import { expect, test } from "vitest";
import { startsOf } from "../../../src/tasks/limits/free-starts.ts";

test.each([
  ["without a rate, any number", null, -5, Number.POSITIVE_INFINITY],
  ["before the next start, none", 10, -0.001, 0],
  ["at the next start, one", 0.1, 0, 1],
  ["late, one more for each that was due within a tenth of a second", 100, 0.05, 6],
  ["after an hour, no more than for a tenth of a second", 100, 3600, 11],
  ["at a slow rate, only one after an hour", 0.1, 3600, 1],
])("%s may start", (_, perSecond, lateSeconds, starts) => {
  expect(startsOf(perSecond, lateSeconds)).toBe(starts);
});

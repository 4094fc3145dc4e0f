/** The documentation against the repository and the code. */
import { expect, test } from "vitest";
import { compare, regions } from "./support/generated-docs.ts";

test.each(regions)("$file has the current table of $marker; if not, run `npm run docs`", (region) => {
  const { current, expected } = compare(region);
  expect(current).toBe(expected);
});

import { expect, test } from "vitest";
import { nameOf, pathProblem } from "../../src/files/names.ts";

test("names lose characters that are invisible or change the direction of text", () => {
  expect(nameOf("report\u202Efdp.exe")).toBe("reportfdp.exe");
  expect(nameOf("\u2066a\u200B\u00ADb\uFEFF\u2028c\u2069.csv")).toBe("abc.csv");
  expect(nameOf("\u202E\u200B")).toBe("file");
  expect(nameOf("Größe 題名 😀.csv")).toBe("Größe 題名 😀.csv");
});

test("paths with such characters are refused, because they identify a file", () => {
  for (const character of ["\u202E", "\u200B", "\u2066", "\u00AD", "\uFEFF", "\u2028"])
    expect(pathProblem(`/a${character}b.csv`)).toBe(
      "must not contain characters that are invisible or change the direction of text.",
    );
  expect(pathProblem("/Größe/題名.csv")).toBeNull();
});

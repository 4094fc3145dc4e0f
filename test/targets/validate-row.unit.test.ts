import Type from "typebox";
import { describe, expect, test } from "vitest";
import { booksTarget } from "../../src/targets/books/target.ts";
import type { Target } from "../../src/targets/target.ts";
import { rowValidator } from "../../src/targets/validate-row.ts";

const target: Target = {
  name: "things",
  description: "Only to check rows with.",
  columns: Type.Object({
    name: Type.String({ minLength: 1, maxLength: 10 }),
    code: Type.String({ minLength: 3, pattern: "^[A-Z]*$" }),
    note: Type.String({ maxLength: 5, default: "-" }),
  }),
  aliases: {},
  write: () => Promise.reject(new Error("nothing is written here")),
};
const check = rowValidator(target, { name: 0, code: 1, note: 2 });

function errorsOf(fields: string[]) {
  const checked = check(fields);
  return "errors" in checked ? checked.errors : [];
}

const codesOf = (fields: string[]) => errorsOf(fields).map(({ column, code }) => `${column}: ${code}`);

describe("a row that keeps the rules", () => {
  test("a valid row gives its values", () => {
    expect(check(["Lamp", "ABC", "new"])).toEqual({ values: { name: "Lamp", code: "ABC", note: "new" } });
  });

  test("cells of a row are trimmed", () => {
    expect(check([" Lamp\t", "\n ABC ", "\u00A0new "])).toEqual({
      values: { name: "Lamp", code: "ABC", note: "new" },
    });
  });

  test("a row may have cells without a column", () => {
    const picked = rowValidator(target, { code: 3, name: 1 });
    expect(picked(["?".repeat(99), "Lamp", "\0", "ABC"])).toEqual({
      values: { name: "Lamp", code: "ABC", note: "-" },
    });
  });

  test("a short row gets defaults, and an empty cell stays empty", () => {
    expect(check(["Lamp", "ABC"])).toEqual({ values: { name: "Lamp", code: "ABC", note: "-" } });
    expect(check(["Lamp", "ABC", ""])).toEqual({ values: { name: "Lamp", code: "ABC", note: "" } });
  });
});

describe("a broken rule names its column", () => {
  test.each([
    ["nothing in a required cell", ["", "ABC"], "name", "required", "name is required"],
    ["only spaces in a required cell", [" \t ", "ABC"], "name", "required", "name is required"],
    [
      "too many characters",
      ["12345678901", "ABC"],
      "name",
      "too_long",
      "name has 11 characters; at most 10 are allowed",
    ],
    [
      "too few characters",
      ["Lamp", "AB"],
      "code",
      "too_short",
      "code has 2 characters; at least 3 are required",
    ],
    [
      "too many in an optional cell",
      ["Lamp", "ABC", "123456"],
      "note",
      "too_long",
      "note has 6 characters; at most 5 are allowed",
    ],
  ])("a broken rule names its column: %s", (_, fields, column, code, message) => {
    expect(errorsOf(fields)).toEqual([{ column, code, message }]);
  });

  test("a broken rule of another kind names its column", () => {
    const [error, ...more] = errorsOf(["Lamp", "abc"]);
    expect(more).toEqual([]);
    expect(error).toMatchObject({ column: "code", code: "invalid" });
    expect(error?.message).toMatch(/^code .+/);
  });

  test("a NUL is refused with its column", () => {
    const [error, ...more] = errorsOf(["La\0mp", "ABC"]);
    expect(more).toEqual([]);
    expect(error).toMatchObject({ column: "name", code: "invalid_character" });
    expect(error?.message).toContain("NUL");
  });

  test("invalid UTF-8 is refused with its column", () => {
    const [error, ...more] = errorsOf(["Lamp", "ABC", "\uFFFD"]);
    expect(more).toEqual([]);
    expect(error).toMatchObject({ column: "note", code: "invalid_encoding" });
    expect(error?.message).toContain("UTF-8");
  });
});

test("every broken rule of a row is returned with its column", () => {
  expect(codesOf(["", "a", "123456"]).toSorted()).toEqual([
    "code: invalid",
    "code: too_short",
    "name: required",
    "note: too_long",
  ]);
  expect(codesOf(["La\0mp", "", "\uFFFD23456"]).toSorted()).toEqual([
    "code: too_short",
    "name: invalid_character",
    "note: invalid_encoding",
    "note: too_long",
  ]);
  expect(codesOf([]).toSorted()).toEqual(["code: too_short", "name: required"]);
});

describe("lengths count characters", () => {
  test.each([
    ["letters", "x"],
    ["letters of two bytes", "é"],
    ["characters of two code units", "😀"],
  ])("a length counts characters: %s", (_, character) => {
    expect(codesOf([character.repeat(10), "ABC"])).toEqual([]);
    expect(errorsOf([character.repeat(11), "ABC"])).toEqual([
      { column: "name", code: "too_long", message: "name has 11 characters; at most 10 are allowed" },
    ]);
  });

  test("combining marks count toward the length", () => {
    expect(codesOf([`a${"\u0301".repeat(5000)}`, "ABC"])).toEqual(["name: too_long"]);
  });

  test("a reported length exceeds the reported limit", () => {
    const family = "👨‍👩‍👧‍👦";
    for (const { message } of errorsOf([family.repeat(11), "ABC"])) {
      const [, has = 0, limit = 0] = /has (\d+) characters; at most (\d+)/.exec(message) ?? [];
      expect(Number(has)).toBeGreaterThan(Number(limit));
    }
    expect(codesOf([family.repeat(11), "ABC"])).toEqual(["name: too_long"]);
  });

  test("lengths count after trimming", () => {
    expect(codesOf([`   ${"x".repeat(10)}   `, "ABC"])).toEqual([]);
  });
});

describe("a book", () => {
  const book = rowValidator(booksTarget, { title: 0, author: 1, description: 2 });
  const codes = (fields: string[]) => {
    const checked = book(fields);
    return "errors" in checked ? checked.errors.map(({ column, code }) => `${column}: ${code}`) : [];
  };

  test("a book requires a title and an author but no description", () => {
    expect(book(["Emma", "Jane Austen"])).toEqual({
      values: { title: "Emma", author: "Jane Austen", description: "" },
    });
    expect(codes(["", " ", ""]).toSorted()).toEqual(["author: required", "title: required"]);
  });

  test("a book has at most 500 characters of title, 200 of author and 10,000 of description", () => {
    expect(codes(["😀".repeat(500), "é".repeat(200), "x".repeat(10_000)])).toEqual([]);
    expect(codes(["😀".repeat(501), "é".repeat(201), "x".repeat(10_001)]).toSorted()).toEqual([
      "author: too_long",
      "description: too_long",
      "title: too_long",
    ]);
  });
});

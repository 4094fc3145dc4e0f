import { describe, expect, test } from "vitest";
import {
  assign,
  countResultColumns,
  isComplete,
  type Match,
  mappingField,
  missingColumns,
  nameProblems,
  rename,
  samplesOf,
  type Target,
  toMatch,
} from "../../src/console/pages/imports/mapping.ts";
import { isValidMaxErrors } from "../../src/console/pages/imports/options.ts";
import {
  delimiterName,
  encodingName,
  readingFields,
  withSetting,
} from "../../src/console/pages/imports/reading.ts";

const column = (name: string, required: boolean): Target["columns"][number] => ({
  name,
  label: null,
  type: "text",
  values: null,
  formats: null,
  description: null,
  required,
  min_length: 0,
  max_length: null,
  pattern: null,
  default: required ? null : "",
  example: null,
  aliases: [],
  secret: false,
});

const books: Target = {
  name: "books",
  title: "books",
  description: "Books",
  version: null,
  saved_at: null,
  destination: "built_in",
  locale: null,
  columns: [column("title", true), column("author", true), column("description", false)],
  open: false,
  strict: true,
  key: ["title", "author"],
  modes: ["insert"],
  default_mode: "insert",
  max_rows: null,
  params: null,
  undo: true,
  role: null,
  template: "/api/v1/targets/books/template.csv",
};
const records: Target = { ...books, name: "records", columns: [], open: true };

const NAMES = ["Title", "Writer", "Notes"];
const match: Match = {
  mapping: ["title", "author", null],
  origins: ["name", "alias", null],
  options: {},
};

describe("the mapping of a target with columns", () => {
  test("the mapping of a target with columns is taken from the proposal of the server", () => {
    const columns = [
      { name: "title", required: true, file_column: "Title", source: "name" as const },
      { name: "author", required: true, file_column: "Writer", source: "alias" as const },
      { name: "description", required: false, file_column: null, source: null },
    ];
    expect(toMatch(NAMES, { columns, unknown: ["Notes"], remembered: null })).toEqual(match);
  });

  test("gives a column of the target one column of the file", () => {
    expect(assign(match.mapping, "title", 2)).toEqual([null, "author", "title"]);
    expect(assign(match.mapping, "author", 0)).toEqual(["author", null, null]);
    expect(assign(match.mapping, "author", null)).toEqual(["title", null, null]);
  });

  test("names the required columns that are missing", () => {
    expect(missingColumns(books, match.mapping)).toEqual([]);
    expect(missingColumns(books, ["description", "author", null])).toEqual(["title"]);
    expect(isComplete(books, ["description", "author", null])).toBe(false);
    expect(isComplete(books, match.mapping)).toBe(true);
  });

  test("the mapping of a target with columns is sent only if the server would find another", () => {
    expect(mappingField(NAMES, match.mapping, match)).toBeUndefined();
    const own = mappingField(NAMES, ["title", null, "author"], match);
    expect(JSON.parse(own ?? "")).toEqual({ Title: "title", Writer: null, Notes: "author" });
    const remembered: Match = { ...match, origins: ["remembered", "alias", null] };
    expect(JSON.parse(mappingField(NAMES, match.mapping, remembered) ?? "")).toEqual({
      Title: "title",
      Writer: "author",
      Notes: null,
    });
  });
});

describe("the mapping of a target that takes any columns", () => {
  test("the mapping of a target that takes any columns needs names that are unique and not empty", () => {
    expect(nameProblems(["a", " a", "b", ""])).toEqual(
      new Map([
        [0, "repeated"],
        [1, "repeated"],
        [3, "empty"],
      ]),
    );
    expect(isComplete(records, ["a", "b", null])).toBe(true);
    expect(isComplete(records, ["a", "a", null])).toBe(false);
    expect(isComplete(records, [null, null, null])).toBe(false);
    expect(rename(["a", "b"], 1, null)).toEqual(["a", null]);
  });
});

test("samples are the first different values of a column", () => {
  const rows = [["x"], [""], ["x"], [" y "], [], ["z"], ["w"]].map((cells) => ({ cells }));
  expect(samplesOf(rows, 0)).toEqual(["x", "y", "z"]);
  expect(samplesOf(rows, 5)).toEqual([]);
});

test("the columns of a result file are recognized at the end of its header", () => {
  const result = ["_row", "_status", "_error_code", "_error", "_id"];
  expect(countResultColumns(["title", ...result])).toBe(5);
  expect(countResultColumns(["title", ...result, "_extra"])).toBe(6);
  expect(countResultColumns(["title", "_row"])).toBe(0);
  expect(countResultColumns(result)).toBe(0);
});

test("only chosen settings are sent, with names for blanks", () => {
  expect(readingFields({})).toEqual({});
  expect(
    readingFields({ delimiter: "\t", quote: "", header: false, skipLines: 0, encoding: "koi8-r" }),
  ).toEqual({ delimiter: "tab", quote: "none", header: false, skip_lines: 0, encoding: "koi8-r" });
  expect(readingFields({ delimiter: ";", quote: "'" })).toEqual({ delimiter: ";", quote: "'" });
  expect(withSetting({ quote: "'", header: true }, "quote", undefined)).toEqual({ header: true });
});

test("names of settings can be read", () => {
  expect(["\t", ", ", "^", "\x01", "  "].map(delimiterName)).toEqual([
    "Tab",
    "Comma and a blank",
    "^",
    "U+0001",
    "Spaces",
  ]);
  expect(["utf-8", "windows-1251", "shift_jis", "koi8-r"].map(encodingName)).toEqual([
    "UTF-8",
    "Windows-1251",
    "Shift_JIS",
    "KOI8-R",
  ]);
});

test("a limit of errors is a number or a share", () => {
  expect(["", "1", "100", "5%", "0.5%", "100%"].filter(isValidMaxErrors)).toHaveLength(6);
  expect(["0", "-1", "101%", "0%", "x", "5 %"].filter(isValidMaxErrors)).toEqual([]);
});

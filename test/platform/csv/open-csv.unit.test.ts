import { describe, expect, test } from "vitest";
import {
  CELL_MAX_BYTES,
  CHUNK_SIZES,
  cells,
  cut,
  numbered,
  read,
  readText,
  refusalOf,
  utf16,
} from "../../support/csv-reader.ts";

describe.each(CHUNK_SIZES)("in chunks of %i bytes", (size) => {
  test.each([
    [
      "characters of two, three and four bytes",
      "é,日本\n😀,👩‍🚀\n",
      [
        ["é", "日本"],
        ["😀", "👩‍🚀"],
      ],
    ],
    [
      "line breaks inside quotes",
      'a,"one\ntwo\n\nthree"\nb,c\n',
      [
        ["a", "one\ntwo\n\nthree"],
        ["b", "c"],
      ],
    ],
    [
      "doubled quotes",
      '"say ""hi""",""""\n"""",x\n',
      [
        ['say "hi"', '"'],
        ['"', "x"],
      ],
    ],
    ["commas inside quotes", '"a,b",",",c\n', [["a,b", ",", "c"]]],
    [
      "empty cells",
      ',,\n"",,""\n',
      [
        ["", "", ""],
        ["", "", ""],
      ],
    ],
    [
      "CRLF",
      'a,b\r\nc,"d"\r\n',
      [
        ["a", "b"],
        ["c", "d"],
      ],
    ],
    [
      "CR",
      'a,b\rc,"d"\r',
      [
        ["a", "b"],
        ["c", "d"],
      ],
    ],
    [
      "LF",
      'a,b\nc,"d"\n',
      [
        ["a", "b"],
        ["c", "d"],
      ],
    ],
    [
      "mixed line ends",
      'a,b\r\nc,d\re,f\n"g",h',
      [
        ["a", "b"],
        ["c", "d"],
        ["e", "f"],
        ["g", "h"],
      ],
    ],
    ["CRLF and CR inside quotes, as they are", '"a\r\nb","c\rd"\r\n', [["a\r\nb", "c\rd"]]],
    [
      "no line break at the end",
      "a,b\nc,d",
      [
        ["a", "b"],
        ["c", "d"],
      ],
    ],
    [
      "no line break at the end, after a quote",
      'a,b\nc,"d"',
      [
        ["a", "b"],
        ["c", "d"],
      ],
    ],
    [
      "a CR as the very last byte",
      "a,b\nc,d\r",
      [
        ["a", "b"],
        ["c", "d"],
      ],
    ],
    [
      "a quote in mid-cell",
      'a,5" disk\n3.5"",x"y"z\n',
      [
        ["a", '5" disk'],
        ['3.5""', 'x"y"z'],
      ],
    ],
    ["spaces, which are kept", " a , b\n", [[" a ", " b"]]],
    ["rows of unlike lengths", "a,b,c\nd\ne,f,g,h\n", [["a", "b", "c"], ["d"], ["e", "f", "g", "h"]]],
    [
      "a byte order mark",
      '\uFEFF"a",b\nc,d\n',
      [
        ["a", "b"],
        ["c", "d"],
      ],
    ],
    ["a byte order mark inside a file, as data", "a\nb,\uFEFFc\n", [["a"], ["b", "\uFEFFc"]]],
    ["NUL", "a,b\0c\n", [["a", "b\0c"]]],
  ])("%s", async (_, text, expected) => {
    const records = await readText(text, size);
    expect(cells(records)).toEqual(expected);
    expect(records.every(({ problem }) => problem === null)).toBe(true);
  });

  test("row numbers match a spreadsheet: the header is 1 and blank lines count", async () => {
    const text = 'h1,h2\n\na,b\r\n\r\n\r\n"c\nc",d\n\n\ne,f\n\n';
    expect(numbered(await readText(text, size))).toEqual([
      [1, "h1", "h2"],
      [3, "a", "b"],
      [6, "c\nc", "d"],
      [9, "e", "f"],
    ]);
  });

  test.each([
    ["little", utf16],
    ["big", (text: string) => utf16(text).swap16()],
  ])("UTF-16 %s endian with a byte order mark is read", async (_, encode) => {
    const records = await read(cut(encode('title,author\r\n"Ünï\ncode",😀\r\n'), size));
    expect(cells(records)).toEqual([
      ["title", "author"],
      ["Ünï\ncode", "😀"],
    ]);
  });

  test("invalid UTF-8 becomes U+FFFD in its cell", async () => {
    const bytes = Buffer.concat([Buffer.from("a,"), Buffer.from([0xff]), Buffer.from("b\nc,\u00e9\n")]);
    expect(cells(await read(cut(bytes, size)))).toEqual([
      ["a", "\uFFFDb"],
      ["c", "\u00e9"],
    ]);
  });

  test("a malformed quoted cell affects only its own row", async () => {
    const records = await readText('a,b\n"x" y",z\n"c",d\n', size);
    expect(records.map(({ row, problem }) => [row, problem === null])).toEqual([
      [1, true],
      [2, false],
      [3, true],
    ]);
    expect(records[1]?.problem).toContain("not doubled");
    expect(records[2]?.fields).toEqual(["c", "d"]);
  });

  test.each([
    ["before the next quoted cell", '"g",h\n', [6, "g", "h"]],
    ["in a file without another quote", "g,h\n", [6, "g", "h"]],
  ])("a malformed quoted cell affects no other rows, %s", async (_, end, last) => {
    const records = await readText(`a,b\n"x"y,z\nc,d\n\ne,f\n${end}`, size);
    expect(records.map(({ row, problem }) => [row, problem === null])).toEqual([
      [1, true],
      [2, false],
      [3, true],
      [5, true],
      [6, true],
    ]);
    expect(numbered(records.slice(2))).toEqual([[3, "c", "d"], [5, "e", "f"], last]);
  });

  test("an unclosed quote affects only its own row", async () => {
    const records = await readText('a,b\n\nc,d\ne,"f\ng,h\n', size);
    expect(numbered(records)).toEqual([
      [1, "a", "b"],
      [3, "c", "d"],
      [4, "e", '"f'],
      [5, "g", "h"],
    ]);
    expect(records.map(({ problem }) => problem)).toEqual([
      null,
      null,
      expect.stringContaining("never closed"),
      null,
    ]);
  });

  test("a cell over CELL_MAX_BYTES is refused with its row and column", async () => {
    const error = await refusalOf(`a,b\nc,${"é".repeat(CELL_MAX_BYTES / 2)}x\n`, size);
    expect(error.code).toBe("too_large");
    expect(error.message).toContain("Row 2, column 2");
    expect(error.message).toContain(`${CELL_MAX_BYTES + 1} bytes`);
    expect(error.message).toContain(`At most ${CELL_MAX_BYTES} are allowed (CELL_MAX_BYTES)`);
  });

  test("a cell of exactly CELL_MAX_BYTES is accepted", async () => {
    const cell = "é".repeat(CELL_MAX_BYTES / 2);
    expect(cells(await readText(`a,b\n"${cell}",d\n`, size))).toEqual([
      ["a", "b"],
      [cell, "d"],
    ]);
  });
});

describe("a file without records", () => {
  test.each([
    ["no chunk", []],
    ["one empty chunk", [""]],
    ["a byte order mark alone", ["\uFEFF"]],
    ["blank lines alone", ["\n\r\n", "\r"]],
  ])("a file of %s has no records", async (_, chunks) => {
    async function* source() {
      for (const chunk of chunks) yield Buffer.from(chunk);
    }
    expect(await read(source())).toEqual([]);
  });
});

test("an empty chunk before the first byte changes nothing", async () => {
  async function* source() {
    yield Buffer.alloc(0);
    yield utf16("a,b\n");
  }
  expect(cells(await read(source()))).toEqual([["a", "b"]]);
});

import { describe, expect, test } from "vitest";
import { DomainError } from "../../../src/errors.ts";
import { type CsvOptions, type CsvRecord, openCsv } from "../../../src/platform/csv/open-csv.ts";

const CELL_MAX_BYTES = 1000;
const CHUNK_SIZES = [1, 2, 3, 7, 16, 64, 65_536];

async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const limits = {
  cellMaxBytes: CELL_MAX_BYTES,
  headerNameMaxBytes: 1000,
  uploadMaxColumns: 1000,
  uploadMaxRows: 1_000_000,
};

/** RFC 4180, so that nothing is left to be guessed. */
const PLAIN: CsvOptions = { header: false, delimiter: ",", quote: '"', escape: "double" };

async function read(
  source: AsyncIterable<Uint8Array>,
  options = PLAIN,
  withLimits = limits,
): Promise<CsvRecord[]> {
  const records: CsvRecord[] = [];
  const csv = await openCsv(source, options, withLimits);
  for await (const block of csv.records) records.push(...block);
  return records;
}

const readText = (text: string, size = 65_536) => read(cut(Buffer.from(text), size));
const refusalOf = (text: string, size?: number) =>
  readText(text, size).then(
    () => expect.fail("nothing was refused"),
    (error: unknown) => {
      expect(error).toBeInstanceOf(DomainError);
      return error as DomainError;
    },
  );

const cells = (records: CsvRecord[]) => records.map(({ fields }) => fields);
const numbered = (records: CsvRecord[]) => records.map(({ row, fields }) => [row, ...fields]);

const utf16 = (text: string) => Buffer.from(`\uFEFF${text}`, "utf16le");

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

  test("row numbers are those of a spreadsheet: the header is 1, blank lines count", async () => {
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
  ])("UTF-16, %s endian, with a byte order mark", async (_, encode) => {
    const records = await read(cut(encode('title,author\r\n"Ünï\ncode",😀\r\n'), size));
    expect(cells(records)).toEqual([
      ["title", "author"],
      ["Ünï\ncode", "😀"],
    ]);
  });

  test("bytes that are not UTF-8 become U+FFFD in their cell", async () => {
    const bytes = Buffer.concat([Buffer.from("a,"), Buffer.from([0xff]), Buffer.from("b\nc,\u00e9\n")]);
    expect(cells(await read(cut(bytes, size)))).toEqual([
      ["a", "\uFFFDb"],
      ["c", "\u00e9"],
    ]);
  });

  test("a malformed quoted cell is the problem of its row alone", async () => {
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
  ])("a malformed quoted cell takes no other rows with it, %s", async (_, end, last) => {
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

  test("a quote that is never closed is refused, and its row named", async () => {
    const error = await refusalOf('a,b\n\nc,d\ne,"f\ng,h\n', size);
    expect(error.code).toBe("invalid_input");
    expect(error.message).toContain("Row 4 opens a quote that is never closed");
  });

  test("a cell over CELL_MAX_BYTES is refused, and its row and column named", async () => {
    const error = await refusalOf(`a,b\nc,${"é".repeat(CELL_MAX_BYTES / 2)}x\n`, size);
    expect(error.code).toBe("too_large");
    expect(error.message).toContain("Row 2, column 2");
    expect(error.message).toContain(`${CELL_MAX_BYTES + 1} bytes`);
    expect(error.message).toContain(`CELL_MAX_BYTES is ${CELL_MAX_BYTES}`);
  });

  test("a cell of exactly CELL_MAX_BYTES is taken", async () => {
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
  ])("of %s yields none", async (_, chunks) => {
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

describe("what never ends is stopped early", () => {
  test.each([
    ["a quote that swallows all that follows", 'a,b\nc,"', "d,e\n"],
    ["a line without an end", "a,b\n", "cdefgh,"],
  ])("%s", async (_, start, repeated) => {
    const chunk = Buffer.from(repeated.repeat(200));
    let taken = 0;
    let isClosed = false;
    async function* endless() {
      try {
        yield Buffer.from(start);
        for (;;) {
          taken += chunk.length;
          yield chunk;
        }
      } finally {
        isClosed = true;
      }
    }
    const cellMaxBytes = 100_000;
    const error = await read(endless(), PLAIN, { ...limits, cellMaxBytes }).then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(DomainError);
    expect(error).toMatchObject({ code: "too_large", message: expect.stringContaining("Row 2 ") });
    expect(error).toMatchObject({ message: expect.stringContaining("CELL_MAX_BYTES") });
    expect(taken).toBeLessThan(1.5 * 4 * cellMaxBytes + 65_536);
    expect(isClosed).toBe(true);
  });
});

test("records come while the file is still being sent, once its first 64 KiB are there", async () => {
  let sent = 0;
  async function* source() {
    for (; sent < 100; sent++) yield Buffer.from("a,b\n".repeat(5000));
  }
  const { records } = await openCsv(source(), PLAIN, limits);
  const first = await records.next();
  expect(first.value?.[0]).toEqual({ row: 1, fields: ["a", "b"], problem: null });
  expect(sent).toBeLessThan(6);
  await records.return(undefined);
});

/** https://en.wikipedia.org/wiki/Linear_congruential_generator: the same numbers for the same seed. */
function randomNumbers(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe("a limit is refused with its name and value, and the file closed", () => {
  test.each([
    [
      "rows",
      { uploadMaxRows: 2 },
      "a,b\n1,2\n3,4\n5,6\n",
      "The file has more than 2 rows, which is UPLOAD_MAX_ROWS.",
    ],
    [
      "columns",
      { uploadMaxColumns: 2 },
      "a,b\n1,2\n1,2,3\n",
      "Row 3 has 3 columns; UPLOAD_MAX_COLUMNS is 2.",
    ],
    [
      "columns of a header",
      { uploadMaxColumns: 2 },
      "a,b,c\n1,2\n",
      "Row 1 has 3 columns; UPLOAD_MAX_COLUMNS is 2.",
    ],
    [
      "a column's name",
      { headerNameMaxBytes: 3 },
      "abc,éé\n1,2\n",
      "Column 2: its name has 4 bytes; HEADER_NAME_MAX_BYTES is 3.",
    ],
  ])("%s", async (_, limit, text, message) => {
    let isClosed = false;
    async function* source() {
      try {
        yield Buffer.from(text);
        for (;;) yield Buffer.from("1,2\n".repeat(1000));
      } finally {
        isClosed = true;
      }
    }
    await expect(read(source(), { delimiter: "," }, { ...limits, ...limit })).rejects.toMatchObject({
      code: "too_large",
      message,
    });
    expect(isClosed).toBe(true);
  });

  test("as many rows as allowed are taken", async () => {
    const source = cut(Buffer.from("a,b\n1,2\n\n3,4\n"), 3);
    expect(await read(source, { delimiter: "," }, { ...limits, uploadMaxRows: 2 })).toHaveLength(2);
  });
});

describe("three megabytes of the worst are read in seconds", () => {
  const MEGABYTES = 3_000_000;
  const filled = (text: string) => text.repeat(Math.ceil(MEGABYTES / text.length));
  const backslashes = 'a,b\n"x \\"y\\"",1\n';

  test.each([
    ["malformed quotes", `a,b\n${filled('"a"b,c\n')}`],
    ["malformed quotes in one line", `a,b\n${filled('"a"b,')}`],
    ["quotes behind malformed ones", `a,b\n${filled('""y,"z""\n')}`],
    ["quotes of many lines behind malformed ones", `a,b\n${filled(`"x"y,"${"z\n".repeat(30_000)}`)}`],
    ["doubled quotes without an end", `a,b\n"${filled('""\n')}`],
    ["quotes alone", `a,b\n${filled('"')}`],
    ["backslashes", `${backslashes}"${filled("\\")}`],
    ["quotes behind backslashes", `${backslashes}${filled('"a\\"b\n')}`],
    ["quotes behind blanks", `a, b\n"x", "y"\n"z", "w"\n${filled(', "x""')}`],
    ["blanks behind quotes", `a,b\n${filled(`"a"${" ".repeat(10_000)}x,`)}`],
    ["apostrophes", `a,b\n${filled("'a','b'c\n")}`],
    ["every delimiter", `a;b,c|d\n${filled(";,|\t\n")}`],
    ["blank lines", filled("\r\n\r")],
  ])("%s", { timeout: 10_000 }, async (_, text) => {
    const wide = { ...limits, cellMaxBytes: 1_000_000, uploadMaxRows: MEGABYTES };
    const answer = await read(cut(Buffer.from(text), 500), {}, wide).catch((error: unknown) => error);
    if (!(answer instanceof DomainError)) expect(answer).toBeInstanceOf(Array);
  });
});

test("any text is read the same however the network cuts it", async () => {
  const random = randomNumbers(42);
  const pieces = [
    "a",
    "b",
    " ",
    ",",
    ",",
    '"',
    '"',
    '""',
    "\n",
    "\n",
    "\r",
    "\r\n",
    "\\",
    "'",
    ";",
    "é",
    "\0",
    ',"',
    '",',
  ];
  for (let round = 0; round < 1500; round++) {
    const text = Array.from({ length: random(40) }, () => pieces[random(pieces.length)]).join("");
    const answerIn = (size: number) =>
      read(cut(Buffer.from(text), size), {}).catch((error: unknown) => {
        if (error instanceof DomainError) return error.message;
        throw error;
      });
    const whole = await answerIn(1000);
    for (const size of [1, 3]) expect([text, await answerIn(size)]).toEqual([text, whole]);
  }
});

describe("records written at random and cut at random are read back equal", () => {
  const ALPHABET = ["a", "b", " ", ",", '"', "\n", "\r\n", "\r", "é", "日", "😀", "\t", "\\", "'", ";", "\0"];
  const LINE_ENDS = ["\n", "\r\n", "\r"];

  test.each(Array.from({ length: 25 }, (_, index) => index + 1))("seed %i", async (seed) => {
    const random = randomNumbers(seed);
    const pick = (from: readonly string[]) => from[random(from.length)] ?? "";
    const cell = () => Array.from({ length: random(8) }, () => pick(ALPHABET)).join("");
    const written = (text: string) => {
      const mustQuote = /^\s*"|[,\r\n]/.test(text);
      return mustQuote || random(3) === 0 ? `"${text.replaceAll('"', '""')}"` : text;
    };
    let text = random(2) ? "\uFEFF" : "";
    const expected: (string | number)[][] = [];
    const count = 1 + random(400);
    let row = 0;
    for (let index = 0; index < count; index++) {
      if (random(8) === 0) {
        // Not LF: after a CR it would be the same line end.
        text += "\r\n";
        row++;
      }
      const fields = Array.from({ length: 2 + random(4) }, cell);
      const isLast = index === count - 1;
      text += fields.map(written).join(",") + (isLast && random(2) ? "" : pick(LINE_ENDS));
      expected.push([++row, ...fields]);
    }
    const bytes = Buffer.from(text);
    async function* source() {
      for (let at = 0; at < bytes.length; ) {
        const size = 1 + random(random(2) ? 4 : 60);
        yield bytes.subarray(at, at + size);
        at += size;
      }
    }
    expect(numbered(await read(source()))).toEqual(expected);
  });
});

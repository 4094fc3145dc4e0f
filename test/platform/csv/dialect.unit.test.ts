import { describe, expect, test } from "vitest";
import { type Csv, type CsvOptions, type Dialect, openCsv } from "../../../src/platform/csv/open-csv.ts";

const limits = {
  cellMaxBytes: 1_000_000,
  headerNameMaxBytes: 1000,
  uploadMaxColumns: 1000,
  uploadMaxRows: 1_000_000,
};

async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

interface Read {
  readonly dialect: Dialect;
  readonly header: Csv["header"];
  readonly warnings: Csv["warnings"];
  readonly rows: (string | number)[][];
  readonly problems: number;
}

async function read(content: string | Uint8Array, options: CsvOptions = {}, size = 65_536): Promise<Read> {
  const csv = await openCsv(cut(Buffer.from(content), size), options, limits);
  const rows: (string | number)[][] = [];
  let problems = 0;
  for await (const block of csv.records) {
    for (const { row, fields, problem } of block) {
      rows.push([row, ...fields]);
      if (problem !== null) problems++;
    }
  }
  const { dialect, header, warnings } = csv;
  return { dialect, header, warnings, rows, problems };
}

const cells = ({ rows }: Read) => rows.map(([, ...fields]) => fields);

describe("the delimiter of", () => {
  test.each<[what: string, delimiter: string, text: string, firstRow: string[]]>([
    ["commas", ",", "a,b\n1,2\n", ["1", "2"]],
    ["semicolons", ";", "a;b\n1;2\n", ["1", "2"]],
    ["tabs", "\t", "a\tb\n1\t2\n", ["1", "2"]],
    ["pipes", "|", "a|b\n1|2\n", ["1", "2"]],
    ["semicolons with decimal commas", ";", "x;y\n1,5;2,5\n3,7;4,8\n", ["1,5", "2,5"]],
    ["semicolons with prose", ";", "name;note\nx;Hello, you\ny;One, two, three\n", ["x", "Hello, you"]],
    [
      "semicolons with commas in the header, too",
      ";",
      "City, State;Pop\nAustin, TX;9\n",
      ["Austin, TX", "9"],
    ],
    [
      "tabs with a comma in every cell",
      "\t",
      "City, State\tA, b\nAustin, TX\tc, d\n",
      ["Austin, TX", "c, d"],
    ],
    [
      "tabs with lists of numbers",
      "\t",
      "1.jpg\t1,2,3\t4,5,6\n2.jpg\t7,8,9\t1,2,3\n",
      ["2.jpg", "7,8,9", "1,2,3"],
    ],
    ["pipes with a comma in every cell", "|", "Name, first|n\nDoe, Jo|1\nRoe, Al|2\n", ["Doe, Jo", "1"]],
    ["commas with lists in a cell", ",", "id,tags\n1,a;b;c\n2,d;e;f\n", ["1", "a;b;c"]],
    ["commas with pipes in a cell", ",", "id,tags\n1,a|b|c\n2,d|e|f\n", ["1", "a|b|c"]],
    [
      "semicolons in front of JSON",
      ";",
      'id;json\n1;{"a":1,"b":2}\n2;{"a":3,"b":4}\n',
      ["1", '{"a":1,"b":2}'],
    ],
    ["commas in quotes between semicolons", ";", '"a,b";"c"\n"1,2";"3"\n', ["1,2", "3"]],
    ["semicolons in quotes between commas", ",", '"a;b","c"\n"1;2","3"\n', ["1;2", "3"]],
    ["line breaks in quotes", "|", 'a|b\n"one\ntwo, three\n"|x\n', ["one\ntwo, three\n", "x"]],
    ["rows of unlike lengths", ";", "a;b;c\n1;2\n1;2;3\n1;2;3;4\n1\n", ["1", "2"]],
    ["commas and tabs after them", ",", "a,\tb,\t\tc\n1,\t2,\t\t3\n", ["1", "\t2", "\t\t3"]],
    ["a table under a title", ";", "Sales of 2026\n\na;b;c\n1;2;3\n4;5;6\n", ["1", "2", "3"]],
    ["one column", ",", "title\nEmma\nUlysses\n", ["Emma"]],
    ["one column of prose with semicolons", ",", "note\nwell; yes\nno; why; not\nno\n", ["well; yes"]],
    ["one column of prose with pipes", ",", "note\nany\nyes | no\nnone\n", ["any"]],
    ["one column without a line break", ",", "title", []],
    ["a header alone", ";", "a;b,c;d", []],
  ])("%s", async (_, delimiter, text, firstRow) => {
    const file = await read(text);
    expect(file.dialect.delimiter).toBe(delimiter);
    expect(cells(file)[0] ?? []).toEqual(firstRow);
  });

  test("a missing header is detected from the rows", async () => {
    const file = await read("1,5;2,5;x\n3,7;4,8;y\n", { header: false });
    expect(file.dialect).toMatchObject({ delimiter: ";", header: false });
    expect(file.header).toEqual({ row: null, names: ["column_1", "column_2", "column_3"] });
  });

  test("Excel's `sep=` line sets the delimiter", async () => {
    const file = await read("sep=|\na,b|c\n1,2|3\n");
    expect(file.dialect).toMatchObject({ delimiter: "|", skip_lines: 1 });
    expect(file.header).toEqual({ row: 2, names: ["a,b", "c"] });
    expect(file.rows).toEqual([[3, "1,2", "3"]]);
  });
});

describe("the quote of", () => {
  test.each<[what: string, dialect: Partial<Dialect>, text: string, rows: string[][]]>([
    ["quotes nowhere", { quote: '"', escape: "double" }, "a,b\n1,2\n", [["1", "2"]]],
    [
      "apostrophes around all text",
      { quote: "'" },
      "id,name\n1,'Al'\n2,'Jo'\n3,NULL\n",
      [
        ["1", "Al"],
        ["2", "Jo"],
        ["3", "NULL"],
      ],
    ],
    [
      "apostrophes that are needed",
      { quote: "'" },
      "a,b\n'x, y',1\n'it''s',2\nz,3\n",
      [
        ["x, y", "1"],
        ["it's", "2"],
        ["z", "3"],
      ],
    ],
    [
      "apostrophes with backslashes",
      { quote: "'", escape: "backslash" },
      "a,b\n'it\\'s',1\n'x',2\n",
      [
        ["it's", "1"],
        ["x", "2"],
      ],
    ],
    [
      "apostrophes in names",
      { quote: '"' },
      "a,b\n'Salem's Lot,King\n'Tis,O'Neill\nRock 'n' roll,'x'\n",
      [
        ["'Salem's Lot", "King"],
        ["'Tis", "O'Neill"],
        ["Rock 'n' roll", "'x'"],
      ],
    ],
    [
      "years",
      { quote: '"' },
      "a,b\n'98,'99\n'99,'00\n",
      [
        ["'98", "'99"],
        ["'99", "'00"],
      ],
    ],
    [
      "both: the usual one wins",
      { quote: '"' },
      "a,b\n\"x, y\",'z'\n\"v, w\",'u'\n",
      [
        ["x, y", "'z'"],
        ["v, w", "'u'"],
      ],
    ],
    [
      "backslashes before quotes",
      { quote: '"', escape: "backslash" },
      'a,b\n"x \\"y, z\\" \\\\",1\n"v",2\n',
      [
        ['x "y, z" \\', "1"],
        ["v", "2"],
      ],
    ],
    [
      "backslashes and doubled quotes",
      { escape: "backslash" },
      'a,b\n"x \\"y\\"",1\n"v ""w""",2\n',
      [
        ['x "y"', "1"],
        ['v "w"', "2"],
      ],
    ],
    [
      "backslashes at the end of a cell",
      { escape: "double" },
      'a,b\n"C:\\dir\\",1\n"D:\\",2\n',
      [
        ["C:\\dir\\", "1"],
        ["D:\\", "2"],
      ],
    ],
    [
      "backslashes that escape nothing",
      { escape: "double" },
      'a,b\n"C:\\dir",\\N\n"\\t",2\n',
      [
        ["C:\\dir", "\\N"],
        ["\\t", "2"],
      ],
    ],
    [
      "blanks before quotes",
      { padded_quotes: true },
      'a, b\n"x", "y, z"\n"v" ,"w"\t\n',
      [
        ["x", "y, z"],
        ["v", "w"],
      ],
    ],
    [
      "blanks before a quote that is text",
      { padded_quotes: false },
      'a,b\n1, "x\n5" disk, "y" z\n',
      [
        ["1", ' "x'],
        ['5" disk', ' "y" z'],
      ],
    ],
    ["a quote in mid-cell", { padded_quotes: false }, 'a,b\n5" disk,say "hi"\n', [['5" disk', 'say "hi"']]],
  ])("%s", async (_, dialect, text, rows) => {
    const file = await read(text);
    expect(file.dialect).toMatchObject(dialect);
    expect(cells(file)).toEqual(rows);
    expect(file.problems).toBe(0);
  });

  test("a backslash escape is detected after the first block", async () => {
    const file = await read(`a,b\n${'"x",y\n'.repeat(20_000)}"p \\"q\\", r",s\n"""",t\n`);
    expect(file.dialect.escape).toBe("backslash");
    expect(file.problems).toBe(0);
    expect(file.rows.slice(-2)).toEqual([
      [20_002, 'p "q", r', "s"],
      [20_003, '"', "t"],
    ]);
  });

  test("an upload can turn quoting off", async () => {
    const file = await read('a,b\n"x,y"\n"z,"\n', { quote: "" });
    expect(cells(file)).toEqual([
      ['"x', 'y"'],
      ['"z', '"'],
    ]);
  });
});

test.each([
  ["lf", "a,b\n1,2\n"],
  ["crlf", 'a,b\r\n1,"x\ny"\r\n'],
  ["cr", "a,b\r1,2\r"],
  ["mixed", "a,b\r\n1,2\n"],
  ["lf", "a,b"],
])("the line end is reported: %s", async (newline, text) => {
  expect((await read(text)).dialect.newline).toBe(newline);
});

test("given options are not guessed", async () => {
  const given = { delimiter: ":", quote: "'", escape: "backslash", encoding: "windows-1252" } as const;
  const file = await read(Buffer.from("a:b;c\n'x\\':y':\xe9\n", "latin1"), given);
  expect(file.dialect).toMatchObject(given);
  expect(file.rows).toEqual([[2, "x':y", "\u00e9"]]);
});

test.each<[string, CsvOptions]>([
  ["delimiter", { delimiter: ",," }],
  ["delimiter", { delimiter: "" }],
  ["delimiter", { delimiter: "\n" }],
  ["delimiter", { delimiter: "'", quote: "'" }],
  ["quote", { quote: "''" }],
  ["skip_lines", { skipLines: -1 }],
  ["skip_lines", { skipLines: 0.5 }],
  ["columns", { columns: [] }],
  ["columns", { columns: ["x"] }],
])("an invalid option is refused by its name: %s %o", async (field, options) => {
  await expect(read("a,b\n1,2\n", options)).rejects.toMatchObject({
    code: "invalid_input",
    fieldErrors: { [field]: [expect.any(String)] },
  });
});

describe("the header", () => {
  test("header names are trimmed but not made unique", async () => {
    const file = await read('\uFEFF" Title ", AUTHOR,,__proto__,a,a\n1,2,3,4,5,6\n');
    expect(file.header).toEqual({ row: 1, names: ["Title", "AUTHOR", "", "__proto__", "a", "a"] });
    expect(file.rows).toEqual([[2, "1", "2", "3", "4", "5", "6"]]);
  });

  test("the header may follow blank and skipped lines, which count", async () => {
    const file = await read('Sales "2026\r\n\r\nof us\ra,b\n\n1,2\n', { skipLines: 3 });
    expect(file.header).toEqual({ row: 4, names: ["a", "b"] });
    expect(file.rows).toEqual([[6, "1", "2"]]);
    const blank = await read("\n\r\na,b\n1,2\n");
    expect(blank.header?.row).toBe(3);
    expect(blank.rows).toEqual([[4, "1", "2"]]);
  });

  test("without a header the first record is row 1", async () => {
    const file = await read("1,2\n3,4\n", { header: false, columns: [" a", "b"] });
    expect(file.header).toEqual({ row: null, names: ["a", "b"] });
    expect(file.rows).toEqual([
      [1, "1", "2"],
      [2, "3", "4"],
    ]);
  });

  test("given names replace the header", async () => {
    const file = await read("a,b\n1,2\n", { columns: ["x", "y"] });
    expect(file.header).toEqual({ row: 1, names: ["x", "y"] });
    expect(file.rows).toEqual([[2, "1", "2"]]);
    await expect(read("a,b\n1,2\n", { columns: ["x", "y", "z"] })).rejects.toThrow(
      /3 names, .* row 1 has 2: a, b/,
    );
  });

  test("empty header names at the end are dropped if their columns are empty", async () => {
    const file = await read("a,b,,\n1,2,,\n3,4\n5,6,,,\n");
    expect(file.header?.names).toEqual(["a", "b"]);
    expect(file.warnings).toMatchObject({ missing_fields: 0, extra_fields: 0, replaced_characters: 0 });
    expect(cells(file)).toEqual([
      ["1", "2"],
      ["3", "4"],
      ["5", "6"],
    ]);
    expect((await read("a,b,\n1,2,\n3,4,5\n")).header?.names).toEqual(["a", "b", ""]);
  });

  test("a header with misplaced quotes is read as far as it can be", async () => {
    expect((await read('"a"b,c\n1,2\n')).header?.names).toEqual(['"a"b', "c"]);
    const file = await read('a,"b "c" d",e\n1,2,3\n4,5,6\n');
    expect(file.header?.names).toEqual(["a", 'b "c" d', "e"]);
    expect(file.rows).toHaveLength(2);
  });

  test("the header of a file without records is null", async () => {
    expect((await read("")).header).toBeNull();
    expect((await read("\n\r\n")).header).toBeNull();
    expect((await read("a,b\n1,2", { skipLines: 5 })).header).toBeNull();
  });
});

describe("warnings count rows", () => {
  test("warnings count rows with missing and extra fields", async () => {
    const file = await read("a,b,c\n1\n1,2\n1,2,3\n1,2,3,4\n1,2,3,\n1,2,3,,5\n");
    expect(file.warnings).toMatchObject({ missing_fields: 2, extra_fields: 2, replaced_characters: 0 });
    expect(file.rows).toHaveLength(6);
  });

  test("warnings count rows with invalid bytes", async () => {
    const bytes = Buffer.concat([
      Buffer.from("a,b\n1,é\nü,"),
      Buffer.from([0xff]),
      Buffer.from("\n\u00df,\ufffd\n"),
    ]);
    const file = await read(bytes);
    expect(file.warnings).toMatchObject({ missing_fields: 0, extra_fields: 0, replaced_characters: 2 });
  });
});

describe("lines without text", () => {
  test("empty lines are no records, and lines of blanks are kept only on request", async () => {
    expect((await read('title\n\n""\n \nx\n\n')).rows).toEqual([[5, "x"]]);
    const file = await read('title\n\n""\n \nx\n\n', { skipBlankRows: false });
    expect(file.rows).toEqual([
      [3, ""],
      [4, " "],
      [5, "x"],
    ]);
  });
});

test("a record with a lost quote ends at its line", async () => {
  const options = { delimiter: ",", quote: '"' };
  const file = await read('a,b\n1,"x "y" z","more\nlines"\n"p"q,"r\ns,"t"\n"u","v"\n"w"x,"y\nz,\n', options);
  expect(file.rows).toEqual([
    [2, "1", '"x "y" z"', "more\nlines"],
    [3, '"p"q', '"r'],
    [4, "s", "t"],
    [5, "u", "v"],
    [6, '"w"x', '"y'],
    [7, "z", ""],
  ]);
  expect(file.problems).toBe(3);
});

test("the dialect is the same however the network cuts the file", async () => {
  const filler = "x".repeat(500);
  const text = `a;b;\n${`1,5;"${filler} \\"q\\" é";\n`.repeat(300)}2;'x';y\n`;
  const bytes = Buffer.from(text, "latin1");
  const whole = await read(bytes, {}, bytes.length);
  expect(whole.dialect).toEqual({
    encoding: "windows-1252",
    encoding_confidence: expect.any(Number),
    bom: false,
    delimiter: ";",
    delimiter_confidence: expect.any(Number),
    quote: '"',
    escape: "backslash",
    padded_quotes: false,
    newline: "lf",
    header: true,
    header_confidence: expect.any(Number),
    header_from: "guessed",
    header_rows: 1,
    skip_lines: 0,
    preamble_rows: 0,
  });
  expect(whole.header?.names).toEqual(["a", "b"]);
  expect(whole.warnings.extra_fields).toBe(1);
  for (const size of [1, 997, 16_384, 65_537]) expect(await read(bytes, {}, size)).toEqual(whole);
});

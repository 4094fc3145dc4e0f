/** The smallest files of each kind, and how they are read. */
import { describe, expect, test } from "vitest";
import { type Csv, type CsvOptions, openCsv } from "../../../src/platform/csv/open-csv.ts";
import { cut } from "../../support/csv-reader.ts";

const limits = { cellMaxBytes: 100_000, headerNameMaxBytes: 1000, uploadMaxColumns: 100, uploadMaxRows: 1e6 };

interface Reading {
  readonly csv: Csv;
  readonly header: readonly string[] | null;
  readonly rows: string[][];
  /** The rows that are not valid CSV. */
  readonly failed: number[];
}

async function read(text: string, options: CsvOptions = {}): Promise<Reading> {
  const csv = await openCsv(cut(Buffer.from(text), 7), options, limits);
  const rows: string[][] = [];
  const failed: number[] = [];
  for await (const block of csv.records) {
    for (const { row, fields, problem } of block) {
      rows.push([...fields]);
      if (problem !== null) failed.push(row);
    }
  }
  return { csv, header: csv.header?.names ?? null, rows, failed };
}

describe("the delimiter", () => {
  test.each<[what: string, delimiter: string, text: string, rows: string[][]]>([
    ["a comma and a blank", ", ", 'id, name, n\n1, "a", 2\n', [["1", "a", "2"]]],
    [
      "a comma and aligning blanks",
      ", ",
      "id, n\n1,   20\n2,  300\n",
      [
        ["1", "20"],
        ["2", "300"],
      ],
    ],
    [
      "a semicolon and a blank",
      "; ",
      "id; note\n1; a, b\n2; c\n",
      [
        ["1", "a, b"],
        ["2", "c"],
      ],
    ],
    [
      "runs of blanks",
      "  ",
      "id   x    y\n1    2    3\n10   20   30\n",
      [
        ["1", "2", "3"],
        ["10", "20", "30"],
      ],
    ],
    [
      "runs of blanks of the same length in each row",
      "  ",
      "a  b   c\n1  2   3\n4  5   6\n",
      [
        ["1", "2", "3"],
        ["4", "5", "6"],
      ],
    ],
    [
      "blanks",
      " ",
      'id name n\n1 "a b" 2\n2 "c d" 3\n',
      [
        ["1", "a b", "2"],
        ["2", "c d", "3"],
      ],
    ],
    [
      "number signs",
      "#",
      "id#note#n\n1#a, b#2\n2#c#3\n",
      [
        ["1", "a, b", "2"],
        ["2", "c", "3"],
      ],
    ],
    [
      "carets",
      "^",
      "id^note\n1^a\n2^b\n",
      [
        ["1", "a"],
        ["2", "b"],
      ],
    ],
    [
      "tildes",
      "~",
      "id~note\n1~a\n2~b\n",
      [
        ["1", "a"],
        ["2", "b"],
      ],
    ],
    [
      "colons",
      ":",
      "id:note:n\n1:a:2\n2:b:3\n",
      [
        ["1", "a", "2"],
        ["2", "b", "3"],
      ],
    ],
    [
      "nothing, between words",
      ",",
      "full name\nJane Austen\nMary Shelley\n",
      [["Jane Austen"], ["Mary Shelley"]],
    ],
    ["nothing, in times", ",", "time\n10:30\n11:45\n", [["10:30"], ["11:45"]]],
    [
      "nothing, in moments",
      ",",
      "start time\n2020-01-01 10:00\n2020-01-02 11:00\n",
      [["2020-01-01 10:00"], ["2020-01-02 11:00"]],
    ],
    [
      "a comma, with nothing behind a last semicolon",
      ", ",
      "1, I;\n2, L;\n",
      [
        ["1", "I;"],
        ["2", "L;"],
      ],
    ],
    [
      "a comma between lists",
      ",",
      "a,b\n1;2;3,4;5;6\n7;8;9,1;2;3\n",
      [
        ["1;2;3", "4;5;6"],
        ["7;8;9", "1;2;3"],
      ],
    ],
  ])("is %s", async (_, delimiter, text, rows) => {
    const reading = await read(text);
    expect(reading.csv.dialect.delimiter).toBe(delimiter);
    expect(reading.rows).toEqual(rows);
    expect(reading.failed).toEqual([]);
  });

  test.each<[options: CsvOptions, text: string, delimiter: string, rows: string[][]]>([
    [{ delimiter: '"' }, 'a"b\n1"2\n', '"', [["1", "2"]]],
    [{ delimiter: '" ' }, 'a" b\n1" 2\n', '" ', [["1", "2"]]],
    [{ delimiter: "'" }, "a'b\n1''2\n", "'", [["1", "", "2"]]],
    [{ delimiter: "'" }, "'a'b\n'1'2\n", "'", [["", "1", "2"]]],
    [{ quote: "," }, "a;b\n,1;x,;2\n", ";", [["1;x", "2"]]],
    [{ quote: "," }, "a\n1\n", "\t", [["1"]]],
    [{ quote: ";" }, "sep=;\na,b\n;1,x;,2\n", ",", [["1,x", "2"]]],
  ])(
    "%j can be a character that is a quote or a delimiter elsewhere",
    async (options, text, delimiter, rows) => {
      const reading = await read(text, options);
      expect(reading.csv.dialect.delimiter).toBe(delimiter);
      expect(reading.rows).toEqual(rows);
    },
  );

  test("the delimiter is found although quotes inside cells are not doubled, and these rows fail", async () => {
    const { csv, rows, failed } = await read('id;note\n1;"x "y" z"\n2;"x "y" z"\n3;ok\n');
    expect(csv.dialect.delimiter).toBe(";");
    expect(rows).toEqual([
      ["1", 'x "y" z'],
      ["2", 'x "y" z'],
      ["3", "ok"],
    ]);
    expect(failed).toEqual([2, 3]);
  });

  test("the delimiter is found although quotes are text", async () => {
    const { csv, rows, failed } = await read('id\tnote\n1\t"A" one\n2\t"B" two\n3\tok\n');
    expect(csv.dialect).toMatchObject({ delimiter: "\t", quote: "" });
    expect(rows.map(([, note]) => note)).toEqual(['"A" one', '"B" two', "ok"]);
    expect(failed).toEqual([]);
  });

  test("comes with a confidence", async () => {
    expect((await read("a;b\n1;2\n")).csv.dialect.delimiter_confidence).toBe(1);
    expect((await read("a,b\n1;2;3,4;5;6\n7;8;9,1;2;3\n")).csv.dialect.delimiter_confidence).toBeLessThan(
      0.95,
    );
    expect((await read("a;b\n1,5;2\n", { delimiter: ";" })).csv.dialect.delimiter_confidence).toBe(1);
  });

  test.each<[delimiter: string, cells: string[]]>([
    [",", ["1", "2", " 3"]],
    [", ", ["1", "2", "3"]],
    [" ", ["1,2,", "3"]],
  ])("can be given: %j", async (delimiter, cells) => {
    const { csv, rows } = await read("1,2, 3\n", { delimiter, header: false });
    expect(csv.dialect).toMatchObject({ delimiter, delimiter_confidence: 1 });
    expect(rows).toEqual([cells]);
  });
});

describe("a stray quote costs its own row only", () => {
  const lines = (count: number) => Array.from({ length: count }, (_, index) => `${index},x`).join("\n");

  test.each<[what: string, text: string, rows: number, failed: number[]]>([
    ["with another quote later", 'a,b\n1,"\n2,x\n3,y\n4,"z"\n5,w\n', 5, [2]],
    ["in the last row", 'a,b\n1,x\n2,y\n3,"\n', 3, [4]],
    ["without another quote", 'a,b\n1,"x\n2,y\n3,z\n', 3, [2]],
    ["before many rows and another quote", `a,b\n1,"\n${lines(5000)}\n4,"z"\n5,w\n`, 5003, [2]],
    ["before more text than a cell may have", `a,b\n1,"\n${lines(80_000)}\n4,"z"\n5,w\n`, 80_003, [2]],
    ["before cells in quotes", 'a,b,c\n1,"x,y\n2,"p, q",r\n3,"s",t\n', 3, [2]],
  ])("%s", async (_, text, rows, failed) => {
    const reading = await read(text);
    expect(reading.rows).toHaveLength(rows);
    expect(reading.failed).toEqual(failed);
  });

  test("valid cells of many lines are read beside a stray quote", async () => {
    const { rows, failed } = await read('a,b\n1,"x\n2,y\n3,z"\n4,"p\n\nq"\n');
    expect(rows).toEqual([
      ["1", "x\n2,y\n3,z"],
      ["4", "p\n\nq"],
    ]);
    expect(failed).toEqual([]);
  });

  test("a stray quote costs its own row only, and the cells of this row are those that make the row as wide as the table", async () => {
    const { rows } = await read('a,b,c\n1,2,3\n4,"5,"x, y"\n"p "q" r, x",s,t\n7,8,9\n');
    expect(rows.slice(1, 3)).toEqual([
      ["4", '"5', "x, y"],
      ['p "q" r, x', "s", "t"],
    ]);
  });
});

describe("the lines above a table", () => {
  test.each<[what: string, preamble: number, text: string]>([
    ["a title and a blank line", 2, "Report of May 2020\n\na,b,c\n1,2,3\n4,5,6\n"],
    ["a title and a row of empty cells", 2, "Report,,\n,,\na,b,c\n1,2,3\n4,5,6\n"],
    ["remarks", 2, "# made by x\n# on Monday, at noon\na,b,c\n1,2,3\n4,5,6\n"],
    ["a title with a delimiter and a blank line", 2, "Report, May 2020\n\na,b,c\n1,2,3\n4,5,6\n"],
    ["pairs and a blank line", 3, "by:,me\nat:,noon\n\na,b,c,d\n1,2,3,4\n4,5,6,7\n"],
  ])("%s are left out", async (_, preamble, text) => {
    const { csv, header, rows } = await read(text);
    expect(csv.dialect.preamble_rows).toBe(preamble);
    expect(csv.header?.row).toBe(preamble + 1);
    expect(header?.slice(0, 3)).toEqual(["a", "b", "c"]);
    expect(rows).toHaveLength(2);
  });

  test("end before a narrow header that a blank line separates from its rows", async () => {
    const { header } = await read("a,b\n\nx,y,z\nu,v,w\n");
    expect(header).toEqual(["a", "b"]);
  });

  test("the lines above a table are kept if skip_lines or header=false is given", async () => {
    const text = "Report\na,b\n1,2\n";
    expect((await read(text, { skipLines: 0 })).header).toEqual(["Report"]);
    expect((await read(text, { header: false })).rows).toHaveLength(3);
  });
});

describe("the header", () => {
  test.each<[what: string, header: string[], text: string]>([
    ["names above numbers", ["a", "b"], "a,b\n1,2\n"],
    ["years above numbers", ["country", "2010", "2011"], "country,2010,2011\nx,5,6\ny,7,8\n"],
    ["numbers that count", ["", "0", "1", "2"], ",0,1,2\nx,5,6,9\ny,7,8,9\n"],
    ["names above text", ["title", "author"], "title,author\nEmma,Jane Austen\n"],
    [
      "two rows: names and units",
      ["name", "height cm", "weight kg"],
      "name,height,weight\n,cm,kg\nA,180,80\nB,170,70\nC,160,60\n",
    ],
    ["two equal rows", ["id", "n"], "id,n\nid,n\n1,2\n"],
  ])("is found: %s", async (_, header, text) => {
    const reading = await read(text);
    expect(reading.header).toEqual(header);
    expect(reading.csv.dialect).toMatchObject({ header: true, header_from: "guessed" });
  });

  test.each<[what: string, rows: number, text: string]>([
    ["numbers above numbers", 2, "0.0,0.0,1\n0.1,0.2,3\n"],
    ["text and a date above text and dates", 2, "Emma,1815-12-23\nUlysses,1922-02-02\n"],
    ["an address above addresses", 2, "Ann,a@example.org\nBob,b@example.org\n"],
    ["equal rows", 2, "1,2,3,4\n1,2,3,4\n"],
  ])("is missing: %s", async (_, rows, text) => {
    const reading = await read(text);
    expect(reading.header?.[0]).toBe("column_1");
    expect(reading.rows).toHaveLength(rows);
    expect(reading.csv.dialect).toMatchObject({ header: false, header_from: "guessed", header_rows: 0 });
  });

  test("the header is what the options say", async () => {
    expect((await read("1,2\n3,4\n", { header: true })).header).toEqual(["1", "2"]);
    const joined = await read("a,b\nc,d\ne,f\n", { headerRows: 2 });
    expect(joined.header).toEqual(["a c", "b d"]);
    expect(joined.csv.dialect).toMatchObject({ header_rows: 2, header_from: "given", header_confidence: 1 });
    await expect(read("a\n", { headerRows: 2, header: false })).rejects.toThrow(
      /header_rows: cannot be combined/,
    );
    await expect(read("a\n", { headerRows: 11 })).rejects.toThrow(/header_rows: must be .* 1 to 10/);
  });
});

describe("several tables", () => {
  const text = (second: string) => `id,name,n\n1,a,2\n2,b,3\n${second}\n3,c,4\n4,d,5\n`;

  test.each(["id,name", "id,name,n,more"])("end with the first, at the header %s", async (second) => {
    const { csv, rows } = await read(text(second));
    expect(rows).toHaveLength(2);
    expect(csv.warnings.other_table_rows).toBe(3);
  });

  test.each(["id,name,n", "id , name,n,", "\uFEFFid,name,n"])(
    "tables with the same header are one, without the repeated header: %j",
    async (second) => {
      const { csv, rows } = await read(text(second) + text(second));
      expect(rows.map(([id]) => id)).toEqual(["1", "2", "3", "4", "1", "2", "3", "4"]);
      expect(csv.warnings).toMatchObject({ repeated_headers: 3, other_table_rows: 0 });
    },
  );

  test("several tables are read as one on request, without the repeated headers", async () => {
    const { csv, rows } = await read(text("id,name") + text("id,name,n"), { tables: "all" });
    expect(rows.map(([id]) => id)).toEqual(["1", "2", "3", "4", "1", "2", "3", "4"]);
    expect(csv.warnings).toMatchObject({ repeated_headers: 2, other_table_rows: 1 });
  });

  test("several tables are not seen in a row that only begins like the header, or in one column", async () => {
    expect((await read("id,name,n\n1,a,2\nid,b,3\n2,c,4\n")).rows).toHaveLength(3);
    expect((await read("title\nEmma\ntitle\nUlysses\n")).rows).toHaveLength(3);
  });
});

describe("rows of empty cells", () => {
  test("rows of empty cells are skipped and counted, also those of NUL and Ctrl-Z", async () => {
    const { csv, rows } = await read(`a,b\n1,2\n${",\n".repeat(3)} , \n3,4\n\x1a\n\0\0\0`);
    expect(rows).toEqual([
      ["1", "2"],
      ["3", "4"],
    ]);
    expect(csv.warnings).toMatchObject({ blank_rows: 6, missing_fields: 0 });
  });

  test("rows of empty cells are kept on request", async () => {
    expect((await read("a,b\n,\n1,2\n", { skipBlankRows: false })).rows).toEqual([
      ["", ""],
      ["1", "2"],
    ]);
  });
});

/** The table in a sheet is found as in a CSV file. */
import { describe, expect, test } from "vitest";
import { readWorkbook } from "../../support/workbook-reader.ts";
import { rowsXml, workbook, workbookParts, zip } from "../../support/workbooks.ts";

const books = [
  ["title", "pages"],
  ["Emma", 474],
  ["Ulysses", 730],
];

test("the first row has the names, and numbers are those of the sheet", async () => {
  expect(await readWorkbook(workbook(books))).toMatchObject({
    names: ["title", "pages"],
    headerRow: 1,
    rows: [
      [2, "Emma", "474"],
      [3, "Ulysses", "730"],
    ],
    dialect: {
      format: "xlsx",
      sheet: "Sheet1",
      header: true,
      header_rows: 1,
      skip_lines: 0,
      preamble_rows: 0,
    },
  });
});

test("titles above the table are left out, and blank rows count", async () => {
  const xml = `<row r="2"><c r="A2" t="inlineStr"><is><t>Report</t></is></c></row>${rowsXml(books)
    .replaceAll(/r="([AB]?)(\d)"/g, (_, column, row) => `r="${column}${Number(row) + 4}"`)
    .replace('<row r="7">', '<row r="7"><c r="D7" s="1"/></row><row r="1000">')
    .replaceAll(/([AB])7/g, "$11000")}`;
  expect(await readWorkbook(workbook({ sheets: [{ name: "Data", xml }] }))).toMatchObject({
    names: ["title", "pages"],
    headerRow: 5,
    rows: [
      [6, "Emma", "474"],
      [1000, "Ulysses", "730"],
    ],
    dialect: { preamble_rows: 4 },
  });
});

test("empty cells at the end of a row are no warning, and cells behind the columns are", async () => {
  const { rows, warnings } = await readWorkbook(
    workbook([
      ["a", "b"],
      ["1", null],
      ["2", "x", null],
      ["3", "y", "z"],
    ]),
  );
  expect(rows).toEqual([
    [2, "1", ""],
    [3, "2", "x"],
    [4, "3", "y", "z"],
  ]);
  expect(warnings).toMatchObject({ missing_fields: 0, extra_fields: 1 });
});

test("header, header_rows, columns, skip_lines and tables work as in CSV", async () => {
  const file = workbook([["Report"], ...books, ["title", "pages", "more"], ["Dune", 412, 1]]);
  const read = (options: object) => readWorkbook(file, options);
  expect((await read({ skipLines: 1, header: false })).rows[0]).toEqual([2, "title", "pages", ""]);
  expect(await read({ skipLines: 1, columns: ["a", "b"] })).toMatchObject({
    names: ["a", "b"],
    headerRow: 2,
  });
  expect(await read({ headerRows: 2, skipLines: 1 })).toMatchObject({ names: ["title Emma", "pages 474"] });
  expect(await read({ skipLines: 1 })).toMatchObject({ warnings: { other_table_rows: 2 } });
  expect((await read({ skipLines: 1, tables: "all" })).rows).toHaveLength(3);
  await expect(read({ skipLines: -1 })).rejects.toThrow("skip_lines");
});

describe("the sheet", () => {
  const sheets = [
    { name: "Old", rows: [["a"], ["0"]], state: "hidden" as const },
    { name: "Data", rows: [["a"], ["1"]] },
    { name: "7", rows: [["a"], ["7"]] },
    { name: "Übersicht", rows: [["a"], ["3"]] },
  ];
  const file = workbook({ sheets });
  const read = async (sheet?: string) => (await readWorkbook(file, { sheet })).rows[0]?.[1];

  test("the sheet is the first that is not hidden, or is chosen by name or number", async () => {
    expect(await read()).toBe("1");
    expect(await read("Data")).toBe("1");
    expect(await read("data")).toBe("1");
    expect(await read("übersicht")).toBe("3");
    expect(await read("1")).toBe("0");
    expect(await read("4")).toBe("3");
    // A name counts before a number.
    expect(await read("7")).toBe("7");
  });

  test.each(["5", "0", "Datas", "-1"])("%s is refused with the names of the sheets", async (sheet) => {
    await expect(read(sheet)).rejects.toThrow(
      `sheet: The workbook has no sheet "${sheet}". Its sheets: "Old", "Data", "7", "Übersicht".`,
    );
  });

  test("charts do not count", async () => {
    const parts = workbookParts({ sheets }).map((part) =>
      part.name === "xl/_rels/workbook.xml.rels"
        ? {
            ...part,
            content: String(part.content).replace(
              '/worksheet" Target="worksheets/sheet1',
              '/chartsheet" Target="worksheets/sheet1',
            ),
          }
        : part,
    );
    const { sheets: names, rows } = await readWorkbook(zip(parts), { sheet: "1" });
    expect(names).toEqual(["Data", "7", "Übersicht"]);
    expect(rows[0]?.[1]).toBe("1");
  });

  test("a sheet without rows has no header", async () => {
    expect(await readWorkbook(workbook([]))).toMatchObject({ rows: [], headerRow: undefined });
    expect(
      await readWorkbook(workbook({ sheets: [{ name: "A", part: "<worksheet><sheetData/></worksheet>" }] })),
    ).toMatchObject({ rows: [] });
  });
});

test("rows and cells without numbers follow one another", async () => {
  const xml = "<row><c><v>1</v></c><c><v>2</v></c></row><row/><row><c/><c><v>3</v></c></row>";
  const { rows } = await readWorkbook(workbook({ sheets: [{ name: "A", xml }] }), { header: false });
  expect(rows).toEqual([
    [1, "1", "2"],
    [3, "", "3"],
  ]);
});

test("a missing or wrong dimension does not matter", async () => {
  const part = `<worksheet><dimension ref="A1:ZZ9999999"/><sheetData>${rowsXml(books)}</sheetData></worksheet>`;
  expect((await readWorkbook(workbook({ sheets: [{ name: "A", part }] }))).rows).toHaveLength(2);
});

test("a workbook in UTF-16 and one with other names of parts are read", async () => {
  const part = Buffer.from(
    `\uFEFF<?xml version="1.0" encoding="UTF-16"?><worksheet><sheetData>${rowsXml([["é"], ["ü"]])}</sheetData></worksheet>`,
    "utf16le",
  );
  expect((await readWorkbook(workbook({ sheets: [{ name: "A", part }] }))).rows).toEqual([[2, "ü"]]);
  const moved = workbookParts({ sheets: [{ name: "A", rows: books }] }).map(({ name, content }) => ({
    name: name.replace("xl/", "XL\\"),
    content,
  }));
  expect((await readWorkbook(zip(moved))).rows).toHaveLength(2);
});

/** Broken and hostile workbooks are refused with a reason, or read if they are harmless. Memory stays bounded. */
import { describe, expect, test } from "vitest";
import { DomainError } from "../../../src/errors.ts";
import type { WorkbookLimits, WorkbookOptions } from "../../../src/platform/workbooks/open-workbook.ts";
import { readWorkbook } from "../../support/workbook-reader.ts";
import {
  rowsXml,
  type WorkbookSpec,
  workbook,
  workbookParts,
  type ZipPart,
  zip,
} from "../../support/workbooks.ts";

async function refusalOf(
  file: Uint8Array,
  limits: Partial<WorkbookLimits> = {},
  options: WorkbookOptions = {},
): Promise<string> {
  const error = await readWorkbook(file, options, limits).then(
    () => expect.fail("nothing was refused"),
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(DomainError);
  expect(["invalid_input", "too_large"]).toContain((error as DomainError).code);
  return (error as DomainError).message;
}

const sheet = (xml: string, spec: Partial<WorkbookSpec> = {}) =>
  workbook({ ...spec, sheets: [{ name: "A", xml }] });
const part = (content: string | Uint8Array) => workbook({ sheets: [{ name: "A", part: content }] });
const books = { sheets: [{ name: "A", rows: [["a"], ["1"]] }] };

describe("archives that are no workbook", () => {
  test.each<[what: string, parts: ZipPart[]]>([
    ["a binary Excel workbook (.xlsb)", [{ name: "xl/workbook.bin", content: "" }]],
    [
      "an OpenDocument file",
      [
        { name: "mimetype", content: "" },
        { name: "content.xml", content: "" },
      ],
    ],
    ["a file of Numbers, Pages or Keynote", [{ name: "Index/Document.iwa", content: "" }]],
    [
      "a text document",
      [
        { name: "[Content_Types].xml", content: "" },
        { name: "word/document.xml", content: "" },
      ],
    ],
    [
      "a presentation",
      [
        { name: "[Content_Types].xml", content: "" },
        { name: "ppt/presentation.xml", content: "" },
      ],
    ],
    ["an archive", [{ name: "books.csv", content: "a,b" }]],
    ["an archive", []],
  ])("%s", async (what, parts) => {
    expect(await refusalOf(zip(parts))).toContain(`file: is ${what}, not CSV or an Excel workbook (.xlsx).`);
  });
});

describe("damaged workbooks", () => {
  test("cut off anywhere", async () => {
    const whole = workbook(books);
    for (let length = 4; length < whole.length; length += 37)
      expect(await refusalOf(whole.subarray(0, length))).toMatch(/damaged workbook|archive/);
  });

  test("workbooks with any byte changed are read or refused, and never fail otherwise", async () => {
    const whole = workbook(books);
    for (let at = 0; at < whole.length; at += 3) {
      const broken = Buffer.from(whole);
      broken[at] = (broken[at] ?? 0) ^ 0x55;
      await readWorkbook(broken).catch((error: unknown) => expect(error).toBeInstanceOf(DomainError));
    }
  });

  test.each<[what: string, file: Uint8Array, reason: string]>([
    ["XML that is not well-formed", part("<worksheet><sheetData><row></sheetData>"), "not valid XML"],
    [
      "bytes that are not UTF-8",
      part(Buffer.from("<worksheet>\xff</worksheet>", "latin1")),
      "not valid UTF-8",
    ],
    ["another encoding", part('<?xml version="1.0" encoding="latin1"?><worksheet/>'), "in the encoding"],
    ["no rows", part("<worksheet/>"), "no rows"],
    ["a row number of 0", sheet('<row r="0"><c><v>1</v></c></row>'), "row has the number 0"],
    ["a row beyond the sheet", sheet('<row r="1048577"><c><v>1</v></c></row>'), "1048577"],
    ["a row number in words", sheet('<row r="one"><c><v>1</v></c></row>'), "one"],
    ["rows in disorder", sheet('<row r="3"/><row r="2"/>'), "row 2 comes after row 3"],
    ["a repeated row", sheet('<row r="3"/><row r="3"/>'), "row 3 comes after row 3"],
    ["a column beyond the sheet", sheet('<row r="1"><c r="XFE1"><v>1</v></c></row>'), "XFE1"],
    ["a cell without a column", sheet('<row r="1"><c r="11"><v>1</v></c></row>'), "a cell 11"],
    ["cells in disorder", sheet('<row r="1"><c r="B1"/><c r="A1"/></row>'), "order of their columns"],
    [
      "a text that is missing",
      sheet('<row r="1"><c t="s"><v>2</v></c></row>', { shared: "<si/>" }),
      "shared text 2",
    ],
    [
      "a text number in letters",
      sheet('<row r="1"><c t="s"><v>x</v></c></row>', { shared: "" }),
      "no shared text",
    ],
    [
      "a text without a number",
      sheet('<row r="1"><c t="s"><v></v></c></row>', { shared: "<si><t>x</t></si>" }),
      "no shared text",
    ],
    ["no texts at all", sheet('<row r="1"><c t="s"><v>0</v></c></row>'), "no shared texts"],
    ["elements in elements", part(`<worksheet>${"<a>".repeat(200)}`), "too deeply"],
  ])("%s", async (_, file, reason) => {
    expect(await refusalOf(file)).toContain(reason);
  });

  test("a workbook without the part of a sheet, or with a sheet in another file, is refused", async () => {
    const parts = workbookParts(books);
    const without = (name: string) => zip(parts.filter((one) => !one.name.startsWith(name)));
    expect(await refusalOf(without("xl/worksheets"))).toContain('no part "xl/worksheets/sheet1.xml"');
    expect(await refusalOf(without("xl/_rels"))).toContain("does not say where");
    expect(await refusalOf(without("xl/workbook.xml"))).toContain('no part "xl/workbook.xml"');
    const linked = (target: string) =>
      zip(
        parts.map((one) =>
          one.name === "xl/_rels/workbook.xml.rels"
            ? { ...one, content: String(one.content).replace('Target="worksheets/sheet1.xml"', target) }
            : one,
        ),
      );
    expect(await refusalOf(linked('Target="http://127.0.0.1:1/s.xml" TargetMode="External"'))).toContain(
      "link to another file",
    );
    expect(await refusalOf(linked('Target="../../../../etc/passwd"'))).toContain('no part "etc/passwd"');
    expect(await refusalOf(linked('Target="file:///etc/passwd"'))).toContain("no part");
  });

  test("a workbook with a password is refused", async () => {
    const parts = workbookParts(books).map((one) => ({ ...one, isEncrypted: one.name.includes("sheet1") }));
    expect(await refusalOf(zip(parts))).toContain("file: has a password");
  });
});

describe("hostile workbooks", () => {
  test("a workbook with entities or a DOCTYPE is refused", async () => {
    const doctype =
      '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>';
    for (const use of ["&b;", "&c;", "x"])
      expect(
        await refusalOf(part(`${doctype}<worksheet><sheetData>${use}</sheetData></worksheet>`)),
      ).toContain("DOCTYPE");
    expect(await refusalOf(sheet("&a;"))).toContain("not valid XML");
    const styles = { name: "xl/styles.xml", content: `${doctype}<styleSheet/>` };
    expect(await refusalOf(workbook({ ...books, parts: [styles] }))).toContain("DOCTYPE");
  });

  test("a ZIP bomb is refused by its ratio and by its size, whatever its directory says", async () => {
    const bomb = `<worksheet><sheetData>${`<row><c><v>1</v></c></row>`.repeat(1_000_000)}</sheetData></worksheet>`;
    expect(await refusalOf(part(bomb))).toContain("more than 200 times as large as in the file");
    expect(await refusalOf(part(bomb), { uploadMaxBytes: 1_000_000 })).toContain("more than 1000000 bytes");
    const parts = workbookParts({ sheets: [{ name: "A", part: bomb }] });
    const lying = zip(
      parts.map((one) => (one.name.includes("sheet1") ? { ...one, claimedBytes: 100 } : one)),
    );
    expect(await refusalOf(lying)).toContain("is a damaged workbook: its part");
  });

  test("long texts that many cells share", async () => {
    const shared = `<si><t>${"0123456789".repeat(3000)}</t></si>`;
    const rows = (count: number) => sheet('<row><c t="s"><v>0</v></c></row>'.repeat(count), { shared });
    expect(await refusalOf(rows(10_000), {}, { header: false })).toContain("200 times as much text");
    expect(await refusalOf(rows(1000), { uploadMaxBytes: 1_000_000 }, { header: false })).toContain(
      "UPLOAD_MAX_BYTES",
    );
    expect((await readWorkbook(rows(100), { header: false })).rows).toHaveLength(100);
  });

  test("more different texts than may be kept", async () => {
    const shared = Array.from({ length: 20_000 }, (_, at) => `<si><t>text ${at}</t></si>`).join("");
    const file = sheet('<row><c t="s"><v>19999</v></c></row>', { shared });
    expect(await refusalOf(file, { stringsMaxBytes: 100_000 })).toContain(
      "more than 100000 bytes of different texts",
    );
    expect((await readWorkbook(file, { header: false })).rows).toEqual([[1, "text 19999"]]);
  });

  test("cells, rows, columns and rows beyond the limits", async () => {
    const limits = { cellMaxBytes: 1000, uploadMaxColumns: 10, uploadMaxRows: 5 };
    const text = (length: number, at = "") =>
      `<c${at} t="inlineStr"><is><t>${"x".repeat(length)}</t></is></c>`;
    const shared = `<si><t>${"x".repeat(1001)}</t></si>`;
    expect(await refusalOf(sheet(`<row>${text(1001)}</row>`), limits)).toBe(
      "Row 1, column 1: the cell has 1001 bytes. At most 1000 are allowed (CELL_MAX_BYTES).",
    );
    expect(await refusalOf(sheet(`<row>${text(100_000)}</row>`), limits)).toContain("CELL_MAX_BYTES");
    expect(await refusalOf(sheet(`<row><c t="str"><v>${"x".repeat(1001)}</v></c></row>`), limits)).toContain(
      "CELL_MAX_BYTES",
    );
    expect(await refusalOf(sheet('<row><c t="s"><v>0</v></c></row>', { shared }), limits)).toContain(
      "CELL_MAX_BYTES",
    );
    expect(await refusalOf(sheet(`<row>${text(900).repeat(5)}</row>`), limits)).toContain(
      "Row 1 has more than 4000 characters",
    );
    expect(await refusalOf(sheet(`<row>${text(1, ' r="K1"')}</row>`), limits)).toBe(
      "Row 1 has 11 columns. At most 10 are allowed (UPLOAD_MAX_COLUMNS).",
    );
    expect(await refusalOf(sheet(`<row>${text(1)}</row>`.repeat(7)), limits)).toContain("more than 5 rows");
    // A tag without an end.
    expect(await refusalOf(part(`<worksheet a="${"x".repeat(5_000_000)}`))).toContain("a text of more than");
  });

  test("too many parts, styles and sheets", async () => {
    const many = Array.from({ length: 10_001 }, (_, at) => ({ name: `x/${at}`, content: "" }));
    expect(await refusalOf(workbook({ ...books, parts: many }))).toContain("more than 10000 parts");
    const styles = {
      name: "xl/styles.xml",
      content: `<styleSheet><cellXfs>${"<xf/>".repeat(70_000)}</cellXfs></styleSheet>`,
    };
    expect(await refusalOf(workbook({ ...books, parts: [styles] }))).toContain("cell formats");
  });
});

describe("harmless workbooks that look hostile", () => {
  test("a million empty rows, and cells in the last column and row", async () => {
    const empty = Array.from(
      { length: 1_000_000 },
      (_, at) => `<row r="${at + 3}"><c r="A${at + 3}" s="1"/></row>`,
    );
    const xml = `${rowsXml([["a"], ["1"]])}${empty.join("")}<row r="1048576"><c r="A1048576"><v>2</v></c><c r="XFD1048576" s="1"/></row>`;
    const { rows } = await readWorkbook(sheet(xml));
    expect(rows).toEqual([
      [2, "1"],
      [1_048_576, "2"],
    ]);
  });

  test("links to other workbooks are not followed: formulas have their last result", async () => {
    const xml = '<row r="1"><c r="A1" t="str"><f>[1]Sheet1!A1</f><v>Emma</v></c></row>';
    const link = {
      name: "xl/externalLinks/externalLink1.xml",
      content: '<externalLink><externalBook r:id="rId1"/></externalLink>',
    };
    const { rows } = await readWorkbook(sheet(xml, { parts: [link] }), { header: false });
    expect(rows).toEqual([[1, "Emma"]]);
  });
});

test("shared texts with much markup are limited as the sheet is", async () => {
  const shared = `<si><t>x</t>${"<rPh><t>y</t></rPh>".repeat(1000)}</si>`;
  const file = sheet('<row><c t="s"><v>0</v></c></row>', { shared });
  expect(await refusalOf(file, { uploadMaxBytes: 10_000 })).toContain("more than 10000 bytes");
});

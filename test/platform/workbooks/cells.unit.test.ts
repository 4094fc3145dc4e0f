/** The cells of a workbook become the text that the sheet shows. */
import { describe, expect, test } from "vitest";
import { readWorkbook } from "../../support/workbook-reader.ts";
import { workbook } from "../../support/workbooks.ts";

/** Reads one cell of a sheet without a header. */
async function readCell(
  xml: string,
  spec: { formats?: (string | number)[]; shared?: string; is1904?: boolean } = {},
) {
  const sheet = { name: "Data", xml: `<row r="1">${xml}</row>` };
  const { rows, problems } = await readWorkbook(workbook({ sheets: [sheet], ...spec }), { header: false });
  return problems[0] ?? rows[0]?.[1] ?? "";
}

const shown = (value: number, format: string | number, is1904 = false) =>
  readCell(`<c r="A1" s="1"><v>${value}</v></c>`, { formats: [format], is1904 });

describe("numbers are written as the sheet shows them", () => {
  test.each<[format: string | number, value: number, text: string]>([
    ["0.00", 1234.567, "1234.57"],
    ["#,##0.00", 1234567.891, "1,234,567.89"],
    ["0%", 0.256, "26%"],
    [10, 0.1234, "12.34%"],
    [11, 12345, "1.23E+04"],
    ["0.00E+00", 0.00012, "1.20E-04"],
    ["# ?/?", 1.5, "1 1/2"],
    ["# ??/??", 0.3125, "5/16"],
    ["000000", 123, "000123"],
    ['0" kg"', 5, "5 kg"],
    ['"€"#,##0.00', 1234.5, "€1,234.50"],
    ["[$€-407] #,##0.00", 1234.5, "€ 1,234.50"],
    ["#,##0.00;[Red]-#,##0.00", -3.5, "-3.50"],
    ["_-* #,##0.00 €_-;-* #,##0.00 €_-", 1234.5, "1,234.50 €"],
    ["0;;", -3, ""],
    ["@", 5.25, "5.25"],
    ["bad[[[", 5, "5"],
    [44, 1234.5, "1,234.50"],
    [49, 12, "12"],
    [9999, 12.5, "12.5"],
  ])("%s of %d is %s", async (format, value, text) => {
    expect(await shown(value, format)).toBe(text);
  });

  test.each<[written: string, text: string]>([
    ["42", "42"],
    ["-0.5", "-0.5"],
    ["0.30000000000000004", "0.3"],
    ["9780141439518", "9780141439518"],
    ["1234567890123456", "1234567890123460"],
    ["1E-7", "0.0000001"],
    ["1.5E+300", "1.5E+300"],
    ["-2.5E-30", "-2.5E-30"],
    ["0", "0"],
    ["1e20", "100000000000000000000"],
    ["many", "many"],
  ])("without a format, %s is %s in full", async (written, text) => {
    expect(await readCell(`<c r="A1"><v>${written}</v></c>`)).toBe(text);
  });
});

describe("dates are written by their format", () => {
  test.each<[format: string | number, value: number, text: string]>([
    ["dd.mm.yyyy", 45000, "15.03.2023"],
    ["yyyy-mm-dd hh:mm:ss", 45000.75, "2023-03-15 18:00:00"],
    ["d-mmm-yy", 45000, "15-Mar-23"],
    ["[$-407]d. mmmm yyyy", 45000, "15. März 2023"],
    ["h:mm AM/PM", 0.75, "6:00 PM"],
    ["[h]:mm", 1.5, "36:00"],
    ["yyyy-mm-dd", 59, "1900-02-28"],
    ["yyyy-mm-dd", 61, "1900-03-01"],
    // In the language of the user, which the file does not tell: ISO 8601.
    [14, 45000, "2023-03-15"],
    [22, 45000.5, "2023-03-15 12:00"],
    ["[$-F800]dddd, mmmm dd, yyyy", 45000, "2023-03-15"],
    ["[$-F400]h:mm:ss AM/PM", 0.5, "12:00:00"],
    // No dates: the sheet shows ####.
    ["yyyy-mm-dd", -5, "-5"],
    ["yyyy-mm-dd", 3_000_000, "3000000"],
  ])("%s of %d is %s", async (format, value, text) => {
    expect(await shown(value, format)).toBe(text);
  });

  test("dates of a workbook of the Macintosh count from 1904; elapsed hours do not", async () => {
    expect(await shown(45000 - 1462, "yyyy-mm-dd", true)).toBe("2023-03-15");
    expect(await shown(1.5, "[h]:mm", true)).toBe("36:00");
    expect(await shown(1.5, "0.0", true)).toBe("1.5");
  });

  test("dates that are written as ISO 8601 follow the format of their cell too", async () => {
    const cell = '<c r="A1" s="1" t="d"><v>2023-03-15T18:30:00</v></c>';
    expect(await readCell(cell, { formats: ["dd.mm.yyyy hh:mm"] })).toBe("15.03.2023 18:30");
    expect(await readCell(cell)).toBe("2023-03-15 18:30:00");
    expect(await readCell('<c r="A1" t="d"><v>soon</v></c>')).toBe("soon");
  });
});

describe("other cells", () => {
  test.each<[what: string, xml: string, text: string]>([
    ["true", '<c r="A1" t="b"><v>1</v></c>', "TRUE"],
    ["false", '<c r="A1" t="b"><v>0</v></c>', "FALSE"],
    ["an error", '<c r="A1" t="e"><v>#N/A</v></c>', "#N/A"],
    ["the text of a formula", '<c r="A1" t="str"><f>A2&amp;"x"</f><v>x &amp; y</v></c>', "x & y"],
    ["the number of a formula", '<c r="A1"><f>1+1</f><v>2</v></c>', "2"],
    ["the empty text of a formula", '<c r="A1" t="str"><f>""</f></c>', ""],
    ["rich inline text", '<c r="A1" t="inlineStr"><is><r><rPr/><t>a</t></r><r><t> b</t></r></is></c>', "a b"],
    [
      "text with phonetic hints",
      '<c r="A1" t="inlineStr"><is><t>東京</t><rPh sb="0" eb="2"><t>トウキョウ</t></rPh></is></c>',
      "東京",
    ],
    [
      "escaped characters",
      '<c r="A1" t="inlineStr"><is><t>a_x000D_b_x005F_x0041_</t></is></c>',
      "a\rb_x0041_",
    ],
    ["half a character", '<c r="A1" t="inlineStr"><is><t>a_xD800_</t></is></c>', "a\uFFFD"],
    ["CDATA and entities", '<c r="A1" t="inlineStr"><is><t><![CDATA[<b>]]>&#233;&lt;</t></is></c>', "<b>é<"],
    ["prefixed names", '<x:c xmlns:x="urn:x" r="A1"><x:v>7</x:v></x:c>', "7"],
  ])("%s", async (_, xml, text) => {
    expect(await readCell(xml)).toBe(text);
  });

  test("a formula without a result fails its row, because an empty cell would be wrong", async () => {
    for (const value of ["", "<v></v>", "<v/>"])
      expect(await readCell(`<c r="A1"><f>B1*2</f>${value}</c>`)).toBe(
        "Cell A1 has a formula without a result. Open the workbook in a spreadsheet program, and save it there.",
      );
  });

  test("shared texts, also rich ones, and those of many pages", async () => {
    const long = "x".repeat(700_000);
    const shared = `<si><t>first</t></si><si><r><t>a</t></r><r><t>é</t></r></si>${`<si><t>${long}é</t></si>`.repeat(4)}<si><t>last</t></si>`;
    const cell = (index: number) => readCell(`<c r="A1" t="s"><v>${index}</v></c>`, { shared });
    expect(await cell(0)).toBe("first");
    expect(await cell(1)).toBe("aé");
    expect(await cell(4)).toBe(`${long}é`);
    expect(await cell(6)).toBe("last");
  });
});

describe("dates as ISO 8601 are the same in both date systems", () => {
  test.each<[iso: string, format: string, text: string]>([
    ["2023-03-15", "dd.mm.yyyy", "15.03.2023"],
    ["2023-03-15T18:30:00", "h:mm", "18:30"],
    ["1900-02-28", "dd.mm.yyyy", "28.02.1900"],
    ["1900-03-01", "dd.mm.yyyy", "01.03.1900"],
    ["1899-12-30T18:30:00", "h:mm", "18:30"],
    ["1850-06-01", "dd.mm.yyyy", "1850-06-01"],
    ["1850-06-01", "General", "1850-06-01"],
  ])("%s as %s", async (iso, format, text) => {
    const cell = `<c r="A1" t="d" s="1"><v>${iso}</v></c>`;
    expect(await readCell(cell, { formats: [format] })).toBe(text);
    expect(await readCell(cell, { formats: [format], is1904: true })).toBe(text);
  });
});

test.each<[value: number, format: string, text: string]>([
  [1234, "#,##0", "1.234"],
  [1234.5, "#,##0.00", "1.234,50"],
  [1234.5, "General", "1234,5"],
  [0.125, "General", "0,125"],
  [-0.5, "#.00", "-,50"],
  [5, '"No. "0', "No. 5"],
  [45000, "dd.mm.yyyy", "15.03.2023"],
  [0.5, "mm:ss.0", "00:00.0"],
])("%f as %s has the marks of the locale of the target", async (value, format, text) => {
  const file = workbook({
    formats: [format],
    sheets: [{ name: "A", xml: `<row r="1"><c r="A1" s="1"><v>${value}</v></c></row>` }],
  });
  const { rows } = await readWorkbook(file, { header: false, marks: { decimal: ",", group: "." } });
  expect(rows[0]?.[1]).toBe(text);
});

import { describe, expect, test } from "vitest";
import { csvRecord, csvRecords, defuse, undefuse } from "../../../src/platform/csv/cells.ts";
import { cells, readText } from "../../support/csv-reader.ts";

describe("a cell that a spreadsheet would run", () => {
  test.each([
    "=1+1",
    "=cmd|' /C calc'!A0",
    "@SUM(A1)",
    "+1+cmd",
    "-2+3",
    "-",
    "--5",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1+1",
    "+49 30 1234",
    " =1",
    "\0=1",
    "\x01\x1f=1",
    "\u00A0@SUM(A1)",
    "\u200B=1",
    "\uFEFF\u202E=1",
    "\u2028+1+cmd",
    " '\0=1",
  ])("the cell %j is marked against spreadsheets", (cell) => {
    expect(defuse(cell)).toBe(`'${cell}`);
  });

  test.each(["-5", " -5", "+3.2", "-1,234.5", "-.5", "+1e10", "-1.5E-3", "-12%", "+493012345"])(
    "%j is a number and stays",
    (cell) => {
      expect(defuse(cell)).toBe(cell);
    },
  );

  test.each(["", "a=b", "'", "'tis", "''", " a=1", "\0", "O'Brien", "1-2", "a@b.example"])(
    "the cell %j stays unchanged",
    (cell) => {
      expect(defuse(cell)).toBe(cell);
      expect(undefuse(cell)).toBe(cell);
    },
  );

  test("a cell that looks marked gets another mark", () => {
    expect(defuse("'=1+1")).toBe("''=1+1");
    expect(undefuse("''=1+1")).toBe("'=1+1");
    expect(undefuse(undefuse("''=1+1"))).toBe("=1+1");
    expect(undefuse(defuse("'-5"))).toBe("'-5");
  });
});

/** Every text of up to `length` of these. */
function textsOf(alphabet: readonly string[], length: number): string[] {
  let texts = [""];
  const all = [...texts];
  for (let n = 0; n < length; n++) {
    texts = texts.flatMap((text) => alphabet.map((char) => text + char));
    all.push(...texts);
  }
  return all;
}

const CELLS = textsOf(
  ["'", "=", "+", "-", "@", "\t", "\r", "\n", "1", ".", ",", "a", '"', " ", "＝", "\0"],
  4,
);

test("marking every short text is reversible and idempotent", () => {
  for (const cell of CELLS) {
    const written = defuse(cell);
    if (undefuse(written) !== cell)
      expect.fail(`${JSON.stringify(cell)} came back as ${JSON.stringify(undefuse(written))}`);
    if (defuse(undefuse(written)) !== written)
      expect.fail(`${JSON.stringify(written)} is written in two ways`);
  }
  expect(CELLS.length).toBeGreaterThan(50_000);
});

test("no written cell begins like a formula, except numbers", () => {
  const running = CELLS.map(defuse).filter((cell) => /^[\0 ]*[=+\-@\t\r\n＝＋－＠]/.test(cell));
  expect(
    running.filter(
      (cell) => !Number.isFinite(Number(cell.replaceAll(",", "").replace(/\.(?=.*\.)|\.$/g, ""))),
    ),
  ).toEqual([]);
});

/** Writes records by the rules of RFC 4180, without a library. */
const reference = (records: readonly string[][]) =>
  records
    .map((cells) =>
      cells.map((cell) => (/[",\r\n\uFEFF]|^ | $/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)),
    )
    .map((cells) => `${cells.join(",")}\n`)
    .join("");

const NASTY = [
  "",
  " ",
  "\0",
  "\uFEFF",
  "\u2028",
  "a\r\nb",
  '""',
  '","',
  "null",
  "NaN",
  "\\",
  "x".repeat(900),
  "😀",
  "\uFFFD",
];

function recordsOf(cells: readonly string[], width: number): string[][] {
  const records: string[][] = [];
  for (let from = 0; from < cells.length; from += width)
    records.push(["x", ...cells.slice(from, from + width), "y"]);
  return records;
}

test("written records are those of RFC 4180", () => {
  const records = [...recordsOf(CELLS, 7), ...recordsOf(NASTY, 3), ...recordsOf(NASTY.toReversed(), 5)];
  expect(csvRecords(records)).toBe(reference(records));
  expect(csvRecords([])).toBe("");
  for (const record of records) expect(csvRecord(record)).toBe(csvRecords([record]));
});

test("Rowmill reads a written record back", async () => {
  const records = [...recordsOf(CELLS.slice(0, 5000), 7), ...recordsOf(NASTY, 14)];
  const read = await readText(csvRecords(records));
  expect(cells(read)).toEqual(records);
});

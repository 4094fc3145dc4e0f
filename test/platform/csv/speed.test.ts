import { describe, expect, test } from "vitest";
import { DomainError } from "../../../src/errors.ts";
import type { CsvOptions } from "../../../src/platform/csv/open-csv.ts";
import { CsvParser } from "../../../src/platform/csv/parser.ts";
import { readRecords, TextWindow } from "../../../src/platform/csv/reader.ts";
import { cut, limits, read } from "../../support/csv-reader.ts";
import { cpuMsOf } from "../../support/stopwatch.ts";

describe("hostile files of three megabytes", () => {
  const MEGABYTES = 3_000_000;
  const filled = (text: string) => text.repeat(Math.ceil(MEGABYTES / text.length));
  const backslashes = 'a,b\n"x \\"y\\"",1\n';

  test.each<[string, string, CsvOptions?]>([
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
    ["stray quotes", `a,b\n${filled('1,"x\n2,y\n')}`],
    ["stray quotes far apart", `a,b\n${filled(`1,"\n${"2,y\n".repeat(20_000)}3,"z"\n`)}`],
    ["prose behind stray quotes", `a,b\n${filled('1,"x\nsome prose\n')}`],
    ["every delimiter", `a;b,c|d\n${filled(";,|\t\n")}`],
    ["blank lines", filled("\r\n\r")],
    ["blanks in a line", `a  b\n1  2\n1${" ".repeat(500_000)}2\n`, { delimiter: "  " }],
  ])("three megabytes of %s are read within seconds", async (_, text, options = {}) => {
    const wide = { ...limits, cellMaxBytes: 1_000_000, uploadMaxRows: MEGABYTES };
    let answer: unknown;
    const cpuMs = await cpuMsOf(async () => {
      answer = await read(cut(Buffer.from(text), 500), options, wide).catch((error: unknown) => error);
    });
    if (!(answer instanceof DomainError)) expect(answer).toBeInstanceOf(Array);
    expect(cpuMs).toBeLessThan(10_000);
  });
});

describe("a long record", () => {
  const syntax = { delimiter: ",", quote: '"', escape: null, blanks: "text" } as const;
  const wide = { ...limits, cellMaxBytes: 1_000_000 };

  async function* pieces(text: string) {
    for (let at = 0; at < text.length; at += 1000) yield text.slice(at, at + 1000);
  }

  test("a long record is not read again from its beginning when more of it arrives", async () => {
    const cell = `"${'a ""b""\n'.repeat(1000)}"`;
    let cellsRead = 0;
    const parser = new CsvParser(syntax, { onQuoted: () => cellsRead++ });
    const text = `${Array(300).fill(cell).join(",")}\n`;
    const read: string[][] = [];
    for await (const block of readRecords(new TextWindow(pieces(text), wide), parser, wide)) {
      read.push(...block.map(({ fields }) => fields));
    }
    expect(read).toEqual([Array(300).fill('a "b"\n'.repeat(1000))]);
    expect(cellsRead).toBe(300);
  });

  test("a long record does not turn the text that was read ahead into one large block", async () => {
    const text = `1,"x\n${"2,y\n".repeat(100_000)}3,"z\n`;
    const parser = new CsvParser(syntax, { width: 2, maxCellChars: wide.cellMaxBytes });
    const sizes: number[] = [];
    for await (const block of readRecords(new TextWindow(pieces(text), wide), parser, wide)) {
      sizes.push(block.length);
    }
    expect(sizes.reduce((sum, size) => sum + size)).toBe(100_002);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(4096);
  });
});

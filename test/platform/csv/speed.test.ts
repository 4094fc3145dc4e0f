import { describe, expect, test } from "vitest";
import { DomainError } from "../../../src/errors.ts";
import { cut, limits, read } from "../../support/csv-reader.ts";

describe("hostile files of three megabytes", () => {
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
    ["stray quotes", `a,b\n${filled('1,"x\n2,y\n')}`],
    ["stray quotes far apart", `a,b\n${filled(`1,"\n${"2,y\n".repeat(20_000)}3,"z"\n`)}`],
    ["prose behind stray quotes", `a,b\n${filled('1,"x\nsome prose\n')}`],
    ["every delimiter", `a;b,c|d\n${filled(";,|\t\n")}`],
    ["blank lines", filled("\r\n\r")],
  ])("three megabytes of %s are read within seconds", { timeout: 10_000 }, async (_, text) => {
    const wide = { ...limits, cellMaxBytes: 1_000_000, uploadMaxRows: MEGABYTES };
    const answer = await read(cut(Buffer.from(text), 500), {}, wide).catch((error: unknown) => error);
    if (!(answer instanceof DomainError)) expect(answer).toBeInstanceOf(Array);
  });
});

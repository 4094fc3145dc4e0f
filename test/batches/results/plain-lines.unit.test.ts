import Papa from "papaparse";
import { expect, test } from "vitest";
import { plainLines } from "../../../src/batches/results/plain-lines.ts";
import { resultWriter } from "../../../src/batches/results/result-formats.ts";
import { type RowText, readRow, UNIT } from "../../../src/batches/results/result-rows.ts";
import { type Random, randomOf } from "../../support/random.ts";
import { cpuMsOf } from "../../support/stopwatch.ts";

/** Characters that CSV quotes, that spreadsheets run or that JSON escapes, and harmless ones. */
const PARTS = [
  ..."\0\t\n\r\f\v\u001e\u001f\u007f\u0085\u00a0\u00ad\u200b\u2028\ufeff\ufffd\u3164",
  ..." \"\\,;'=+-@|%#/*[](){}<>:",
  "\ud83d",
  "\r\n",
  '","',
  '"]',
  '["',
  "\\u0022",
  "\\n",
  "＝1",
  "-5",
  "null",
  "é",
  "漢",
  "😀",
  "A",
  "z",
  "0",
  "Title (1)",
  "x".repeat(300),
] as const;

const cellOf = ({ below, pick }: Random) =>
  ["", "a", "T", "7"][below(8)] ?? Array.from({ length: below(4) }, () => pick(PARTS)).join("");

/** With a plain start, so that only what comes later can make the cell special. */
const startedCell = (random: Random) => `${random.pick(["", "B", "9"])}${cellOf(random)}`;

/** As `readShortPage` reads it. */
function textOf(cells: readonly string[], random: Random): RowText {
  const { below, pick } = random;
  const hasError = below(6) === 0;
  return [
    below(10_000_000) + 1,
    below(20) === 0 ? `[${cells.map((cell) => JSON.stringify(cell)).join(", ")}]` : JSON.stringify(cells),
    pick(["success", "failed", "pending", "processing", "unprocessed", "undone"]),
    hasError ? JSON.stringify(cellOf(random)) : "",
    hasError ? JSON.stringify(cellOf(random)) : "",
    below(4) === 0 ? "" : below(2 ** 40),
    below(15) === 0 ? `{"key":${JSON.stringify(cellOf(random))}}` : "",
  ].join(UNIT);
}

const reference = (text: RowText, width: number, hasExtra: boolean) => {
  const writer = resultWriter("csv", {
    header: Array.from({ length: width }, (_, at) => `c${at}`),
    hasExtra,
  });
  return writer.page([readRow(text)]);
};

test.each([1, 2, 3, 7, 60])("rows of %i columns are written as if their cells had been read", (width) => {
  const random = randomOf(800 + width);
  let plain = 0;
  for (let round = 0; round < 20_000 / width; round++) {
    const cells = Array.from({ length: width + random.pick([0, 0, 0, 0, -1, 1]) }, () =>
      random.below(3) === 0 ? startedCell(random) : `Cell ${random.below(99)}`,
    );
    const text = textOf(cells, random);
    for (const hasExtra of [false, true]) {
      const line = plainLines(width, hasExtra)(text);
      if (line === null) continue;
      plain++;
      expect(line).toBe(reference(text, width, hasExtra));
      expect(Papa.parse<string[]>(line.slice(0, -1)).data[0]?.slice(0, width)).toEqual(cells);
    }
  }
  expect(plain).toBeGreaterThan(width > 20 ? 0 : 1000 / width);
});

test.each(PARTS)("a cell with %j is written as if it had been read, at every place", (part) => {
  const random = randomOf(801);
  for (const cell of [part, `${part}a`, `a${part}`, `a${part}b`, `a ${part}`, `${part} b`]) {
    for (const cells of [
      [cell, "b", "c"],
      ["a", cell, "c"],
      ["a", "b", cell],
    ]) {
      const text = [2, JSON.stringify(cells), "success", "", "", random.below(99), ""].join(UNIT);
      const line = plainLines(3, false)(text);
      if (line !== null) expect(line).toBe(reference(text, 3, false));
    }
  }
});

test("ordinary rows are plain", () => {
  const cells = ["Emma (1815)", "Jane Austen", ""];
  const text = [17, JSON.stringify(cells), "success", "", "", 4711, ""].join(UNIT);
  expect(plainLines(3, false)(text)).toBe("Emma (1815),Jane Austen,,17,success,,,4711\n");
  expect(plainLines(3, true)(text)).toBe("Emma (1815),Jane Austen,,17,success,,,4711,\n");
  expect(plainLines(3, false)(text.replace("Jane Austen", "Brontë; 𝔄漢"))).toContain(",Brontë; 𝔄漢,");
});

test("a row of three megabytes is judged in a moment", async () => {
  const line = plainLines(2, false);
  const cpuMs = await cpuMsOf(() => {
    for (const tail of ["", " ", "\\n", " ".repeat(1_000_000)]) {
      const text = [2, JSON.stringify(["x".repeat(3_000_000) + tail, "b"]), "success", "", "", 1, ""].join(
        UNIT,
      );
      expect(line(text) === null).toBe(tail !== "");
    }
  });
  expect(cpuMs).toBeLessThan(2000);
});

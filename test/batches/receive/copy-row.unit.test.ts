import { describe, expect, test } from "vitest";
import { appendRow, beginningOf, type NewRow } from "../../../src/batches/receive/copy-row.ts";
import { CopyBuffer } from "../../../src/platform/postgres/copy.ts";
import { randomOf } from "../../support/random.ts";

const BATCH = "01a21ac1-6023-7ca4-9151-ff2f00000000";

const int32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const textValue = (text: string) => Buffer.concat([int32(Buffer.byteLength(text)), Buffer.from(text)]);

/** The row as the documentation of PostgreSQL describes the format, with all cells as JSON. */
function plainRow({ row, fields, problem }: NewRow): Buffer {
  const id = Buffer.from(BATCH.replaceAll("-", ""), "hex");
  const stored = problem === null ? int32(-1) : textValue(problem);
  const values = [int32(16), id, int32(4), int32(row), textValue(JSON.stringify(fields)), stored];
  return Buffer.concat([Buffer.from([0, 4]), ...values]);
}

const START = Buffer.concat([Buffer.from("PGCOPY\n\xff\r\n\0", "latin1"), int32(0), int32(0)]);
const fileOf = (rows: readonly NewRow[]) =>
  Buffer.concat([START, ...rows.map(plainRow), Buffer.from([0xff, 0xff])]);

/** Rows in a buffer that is too small for them. */
function written(rows: readonly NewRow[], buffer = new CopyBuffer(32)): Buffer {
  for (const row of rows) appendRow(buffer, beginningOf(BATCH), row);
  return buffer.content();
}

const ATOMS = [
  ...Array.from({ length: 0xa1 }, (_, code) => String.fromCharCode(code)),
  "\\N",
  "\\.",
  '","',
  '["',
  "\u2028",
  "\ufeff",
  "\ufffd",
  "\ud83d\ude00",
  "\ud83d",
  "\ude00",
  "Müller",
  "漢字",
  "x".repeat(5000),
];

describe("a row in the binary format of COPY", () => {
  test.each(ATOMS.map((atom) => [JSON.stringify(atom).slice(0, 20), atom]))(
    "a row with the cell %s is written as JSON",
    (_name, atom) => {
      for (const fields of [[atom], ["a", atom], [atom, "b"], ["a", `c${atom}d`, ""]]) {
        const row = { row: 7, fields, problem: null };
        expect(written([row])).toEqual(fileOf([row]));
      }
    },
  );

  test("rows of random cells are written as JSON", () => {
    const { below, pick } = randomOf(15);
    for (let row = 2; row < 5000; row++) {
      const text = (atoms: readonly string[]) => Array.from({ length: below(6) }, () => pick(atoms)).join("");
      const cell = () => (below(50) === 0 ? null : text(ATOMS));
      const plain = () => text(["a", "é", "漢", " ", "'"]);
      const fields = Array.from({ length: below(5) }, below(2) === 0 ? cell : plain);
      const made = { row, fields, problem: below(10) === 0 ? pick(ATOMS) : null };
      expect(written([made])).toEqual(fileOf([made]));
    }
  });

  test("a buffer that is used again has only the new rows, and frees the memory of a long one", () => {
    const buffer = new CopyBuffer(1024);
    const long = { row: 2, fields: ["x".repeat(5000)], problem: null };
    const short = { row: 3, fields: ["y"], problem: "no" };
    expect(written([long, short], buffer)).toEqual(fileOf([long, short]));
    expect(buffer.isOversized).toBe(true);
    buffer.clear();
    expect(buffer.isOversized).toBe(false);
    expect(written([short], buffer)).toEqual(fileOf([short]));
  });
});

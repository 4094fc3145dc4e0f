import { describe, expect, test } from "vitest";
import { copyLine, type NewRow } from "../../../src/batches/receive/copy-line.ts";
import { COPY_NULL, CopyBuffer, copyValue } from "../../../src/platform/postgres/copy.ts";
import { randomOf } from "../../support/random.ts";

const BATCH = "01a21ac1-6023-7ca4-9151-ff2f00000000";

/** The cells always as JSON, and always escaped. */
function plainLine({ row, fields, problem }: NewRow): string {
  const stored = problem === null ? COPY_NULL : copyValue(problem);
  return `${BATCH}\t${row}\t${copyValue(JSON.stringify(fields))}\t${stored}\n`;
}

const bytes = (line: string) => {
  const buffer = new CopyBuffer(16);
  buffer.append(line);
  return buffer.content();
};

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

describe("a line of COPY", () => {
  test.each(ATOMS.map((atom) => [JSON.stringify(atom).slice(0, 20), atom]))(
    "a row with the cell %s has the same bytes as with everything escaped",
    (_name, atom) => {
      for (const fields of [[atom], ["a", atom], [atom, "b"], ["a", `c${atom}d`, ""]]) {
        const row = { row: 7, fields, problem: null };
        expect(bytes(copyLine(BATCH, row))).toEqual(bytes(plainLine(row)));
      }
    },
  );

  test("rows of random cells have the same bytes as with everything escaped", () => {
    const { below, pick } = randomOf(15);
    for (let row = 2; row < 5000; row++) {
      const text = (atoms: readonly string[]) => Array.from({ length: below(6) }, () => pick(atoms)).join("");
      const cell = () => (below(50) === 0 ? null : text(ATOMS));
      const plain = () => text(["a", "é", "漢", " ", "'"]);
      const fields = Array.from({ length: below(5) }, below(2) === 0 ? cell : plain);
      const made = { row, fields, problem: below(10) === 0 ? pick(ATOMS) : null };
      expect(bytes(copyLine(BATCH, made))).toEqual(bytes(plainLine(made)));
    }
  });
});

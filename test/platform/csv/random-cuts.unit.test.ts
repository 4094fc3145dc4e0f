import { describe, expect, test } from "vitest";
import { DomainError } from "../../../src/errors.ts";
import { cut, numbered, read } from "../../support/csv-reader.ts";

/** https://en.wikipedia.org/wiki/Linear_congruential_generator: the same numbers for the same seed. */
function randomNumbers(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test("any text is read the same however the network cuts it", async () => {
  const random = randomNumbers(42);
  const pieces = [
    "a",
    "b",
    " ",
    ",",
    ",",
    '"',
    '"',
    '""',
    "\n",
    "\n",
    "\r",
    "\r\n",
    "\\",
    "'",
    ";",
    "é",
    "\0",
    ',"',
    '",',
  ];
  for (let round = 0; round < 1500; round++) {
    const text = Array.from({ length: random(40) }, () => pieces[random(pieces.length)]).join("");
    const answerIn = (size: number) =>
      read(cut(Buffer.from(text), size), {}).catch((error: unknown) => {
        if (error instanceof DomainError) return error.message;
        throw error;
      });
    const whole = await answerIn(1000);
    for (const size of [1, 3]) expect([text, await answerIn(size)]).toEqual([text, whole]);
  }
});

describe("records written at random and cut at random are read back equal", () => {
  const ALPHABET = ["a", "b", " ", ",", '"', "\n", "\r\n", "\r", "é", "日", "😀", "\t", "\\", "'", ";", "\0"];
  const LINE_ENDS = ["\n", "\r\n", "\r"];

  test.each(Array.from({ length: 25 }, (_, index) => index + 1))(
    "random records of seed %i are read back equal",
    async (seed) => {
      const random = randomNumbers(seed);
      const pick = (from: readonly string[]) => from[random(from.length)] ?? "";
      const cell = () => Array.from({ length: random(8) }, () => pick(ALPHABET)).join("");
      const written = (text: string) => {
        const mustQuote = /^\s*"|[,\r\n]/.test(text);
        return mustQuote || random(3) === 0 ? `"${text.replaceAll('"', '""')}"` : text;
      };
      let text = random(2) ? "\uFEFF" : "";
      const expected: (string | number)[][] = [];
      const count = 1 + random(400);
      let row = 0;
      for (let index = 0; index < count; index++) {
        if (random(8) === 0) {
          // Not LF: after a CR it would be the same line end.
          text += "\r\n";
          row++;
        }
        const fields = Array.from({ length: 2 + random(4) }, cell);
        const isLast = index === count - 1;
        text += fields.map(written).join(",") + (isLast && random(2) ? "" : pick(LINE_ENDS));
        expected.push([++row, ...fields]);
      }
      const bytes = Buffer.from(text);
      async function* source() {
        for (let at = 0; at < bytes.length; ) {
          const size = 1 + random(random(2) ? 4 : 60);
          yield bytes.subarray(at, at + size);
          at += size;
        }
      }
      expect(numbered(await read(source()))).toEqual(expected);
    },
  );
});

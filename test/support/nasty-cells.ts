/** Rows with everything that makes a cell hard to judge: white space, composition, escapes, lengths at the limits. */
import type { Random } from "./random.ts";

/** Few, so that rows often have the same key. */
const WORDS = [
  "Emma",
  "EMMA",
  "emma ",
  "Persuasion",
  "caf\u00e9",
  "cafe\u0301",
  "\u00c5ngstr\u00f6m",
  "\u212bngstr\u00f6m",
  "stra\u00dfe",
  "\u0130stanbul",
  "\u039f\u03b4\u03cd\u03c3\u03c3\u03b5\u03b9\u03b1",
  "\u0412\u043e\u0439\u043d\u0430",
  "\u3053\u3053\u308d",
  "\u7d05\u6a13\u5922",
  "\ud55c\uad6d",
  "\u1112\u1161\u11ab",
  "\u0e40\u0e21\u0e37\u0e2d\u0e07",
  "\u0915\u093c",
  "\u0958",
];

/** With marks whose place is that of a canonical order, and letters of Unicode 16 that compose. */
const MARKED = [
  "q\u0323\u0307",
  "q\u0307\u0323",
  "\u{105d2}\u0307",
  "\u0628\u0897\u0650",
  "\u1e9b\u0323",
  "\uac00\u11a8",
];

/** White space in JavaScript, white space elsewhere, and characters that have no width. */
export const SPACES = [
  ..."\t\n\v\f\r \u00a0\u1680\u2000\u2003\u200a\u2028\u2029\u202f\u205f\u3000\ufeff\u0085\u180e\u200b\u2060\u001f",
];

const ODD = [
  "",
  "\ufffd",
  "Em\ufffdma",
  "\0",
  "Em\0ma",
  "\ud83d",
  "Emma\udc00",
  "\\u0041",
  "\\\\u",
  "\\",
  '"',
  '\\"',
  "\u007f",
  "\u0001",
  "\u{1f600}",
  "\u{1f469}\u200d\u{1f680}",
  "a\u0300\u0301",
];

/** Texts that have as many characters as a limit, or one more. */
function longOf(random: Random, limits: readonly number[]): string {
  const length = random.pick(limits) + random.pick([-1, 0, 0, 1]);
  const text = random.pick(["x", "\u00e9", "\u{1f600}", "e\u0301", "\u7d05"]).repeat(length);
  return random.pick([text, [...text].slice(0, length).join("")]);
}

/** @param limits the lengths that the rules of columns name */
export function nastyCell(random: Random, limits: readonly number[]): string {
  const kind = random.below(20);
  if (kind === 0) return random.pick(ODD);
  if (kind === 1) return longOf(random, limits);
  if (kind === 2) return random.pick(MARKED);
  const word = random.pick(WORDS);
  if (kind === 3) return random.pick(ODD) + word;
  if (kind < 7) return random.pick(SPACES) + word + random.pick(SPACES);
  return word;
}

/**
 * Guesses the syntax of a CSV file from its first block. It reads the block with every candidate and prefers the syntax
 * with which most records have the same number of columns and most cells read as one value.
 */
import { isApostropheQuote, isTextQuote } from "./quotes.ts";
import { type Sample, takeSample } from "./sample.ts";
import { scoreOf } from "./score.ts";
import type { Escape, Syntax } from "./syntax.ts";

/** The most common one first: it wins if all score equally. */
const DELIMITERS = [",", "\t", "|", ";"];
/** Characters that are often part of text, so that they need more evidence. */
const RARE_DELIMITERS = [" ", ":", "#", "^", "~", "\x01", "\x1f"];
/** Enough lines to recognize a dialect. A block of short lines has thousands. */
const MAX_LINES = 500;
/** The smallest share of cells after a delimiter that begin with a blank, if blanks belong to the delimiter. */
const MIN_BLANKS = 0.95;
/** Lower scores only order syntaxes that find one column. */
const MIN_SCORE = 1e-4;
/** The confidence if a file seems to have one column, although a delimiter occurs in it. */
const UNSURE = 0.5;
/** The smallest number of occurrences per line of a delimiter, in files of short and of multi-line cells. */
const MIN_PER_LINE = 0.1;
const MIN_PER_LINE_RARE = 0.5;

export interface Known {
  /** One character, or a character and a blank: blanks behind it belong to it. */
  readonly delimiter: string | undefined;
  readonly quote: string | undefined;
  readonly escape: Escape | undefined;
}

export interface Guess {
  readonly syntax: Syntax;
  readonly sample: Sample;
  /** Whether the file has a second column. */
  readonly isTable: boolean;
  /** From 0 to 1: how much better the delimiter is than the next one. */
  readonly confidence: number;
}

/**
 * @param block the beginning of the file, after skipped lines
 * @param isWhole whether the block is the whole file
 * @param known the options of the client, which are not guessed
 */
export function guessSyntax(block: string, isWhole: boolean, known: Known): Guess {
  const text = firstLines(block);
  const isAll = isWhole && text.length === block.length;
  const guess = (quote: string) => withBlanks(guessDelimiter(text, isAll, known, quote), text, isAll, known);
  const isDelimiter = (quote: string) => known.delimiter?.charAt(0) === quote;
  const usual = guess(known.quote ?? (isDelimiter('"') ? "" : '"'));
  if (known.quote !== undefined) return usual;
  if (!isDelimiter("'") && /(?:^|[,;|\t:#^~ ])'/m.test(text)) {
    const apostrophe = guess("'");
    if (isApostropheQuote(apostrophe.sample, usual.sample)) return apostrophe;
  }
  if (usual.sample.problems > 0) {
    const none = guess("");
    if (isTextQuote(usual.sample, none.sample)) return none;
  }
  return usual;
}

function firstLines(block: string): string {
  const lineEnd = /\r\n?|\n/g;
  for (let line = 0; line < MAX_LINES; line++) if (!lineEnd.test(block)) return block;
  return block.slice(0, lineEnd.lastIndex);
}

function guessDelimiter(block: string, isWhole: boolean, known: Known, quote: string): Guess {
  const scores = new Map<string, number>();
  let best: { syntax: Syntax; sample: Sample; score: number } | null = null;
  for (const syntax of candidates(block, known, quote)) {
    const sample = takeSample(block, isWhole, syntax);
    const score = scoreOf(sample, RARE_DELIMITERS.includes(syntax.delimiter));
    scores.set(syntax.delimiter, Math.max(score, scores.get(syntax.delimiter) ?? 0));
    if (best === null || score > best.score) best = { syntax, sample, score };
  }
  if (best === null) throw new Error("A block has no candidate for its syntax.");
  const { syntax, sample, score } = best;
  const next = Math.max(
    0,
    ...[...scores].filter(([other]) => other !== syntax.delimiter).map(([, one]) => one),
  );
  const isTable = score > MIN_SCORE;
  const isCertain = known.delimiter !== undefined || scores.size === 1;
  return { syntax, sample, isTable, confidence: isCertain ? 1 : isTable ? score / (score + next) : UNSURE };
}

function candidates(block: string, known: Known, quote: string): Syntax[] {
  const isPadded = quote !== "" && (block.includes(` ${quote}`) || block.includes(`\t${quote}`));
  const escapes: (Escape | null)[] = known.escape
    ? [known.escape]
    : quote !== "" && block.includes(`\\${quote}`)
      ? ["double", "backslash"]
      : [null];
  const lines = count(block, "\n") + count(block, "\r") / 2;
  const isFrequent = (minimum: number) => (character: string) =>
    block.includes(character) && count(block, character) >= minimum * lines;
  const isFree = (character: string) => character !== quote;
  const delimiters =
    known.delimiter === undefined
      ? [
          ...DELIMITERS.filter(isFree).filter((one, at) => at === 0 || isFrequent(MIN_PER_LINE)(one)),
          ...RARE_DELIMITERS.filter(isFree).filter(isFrequent(MIN_PER_LINE_RARE)),
        ]
      : [known.delimiter];
  const combined: Syntax[] = [];
  for (const text of delimiters) {
    const delimiter = text.charAt(0);
    const blanks: Syntax["blanks"][] =
      text.length > 1 ? ["delimiter"] : isPadded && delimiter !== " " ? ["text", "before-quotes"] : ["text"];
    if (text === " " && known.delimiter === undefined && block.includes("  ")) blanks.push("delimiter");
    for (const escaping of escapes) {
      for (const one of blanks) combined.push({ delimiter, quote, escape: escaping, blanks: one });
    }
  }
  return combined;
}

function count(block: string, character: string): number {
  let occurrences = 0;
  for (let at = block.indexOf(character); at !== -1; at = block.indexOf(character, at + 1)) occurrences++;
  return occurrences;
}

/** Finds out whether blanks behind the delimiter belong to it, because nearly every cell begins with one. */
function withBlanks(guess: Guess, block: string, isWhole: boolean, known: Known): Guess {
  const { syntax, sample } = guess;
  if (known.delimiter !== undefined || syntax.blanks === "delimiter" || /[ \t]/.test(syntax.delimiter))
    return guess;
  let cells = 0;
  let led = 0;
  for (const [index, { fields }] of sample.records.entries()) {
    for (let column = 1; column < fields.length; column++) {
      const cell = fields[column] ?? "";
      if (cell === "" && column === fields.length - 1) continue;
      cells++;
      if (cell.startsWith(" ") || sample.isPadded(index, column)) led++;
    }
  }
  if (led === 0 || led < MIN_BLANKS * cells) return guess;
  const blanks = { ...syntax, blanks: "delimiter" } as const;
  return { ...guess, syntax: blanks, sample: takeSample(block, isWhole, blanks) };
}

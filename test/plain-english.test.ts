/** Phrases that readers stumble over, refused in comments, texts, tests and documents. */
import { globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..");
const self = "test/plain-english.test.ts";
const files = globSync(
  ["*.md", "docs/**/*.md", "{src,test}/**/*.{ts,tsx,sh}", ".env.example", "Dockerfile", "compose.yaml"],
  {
    cwd: root,
  },
).filter((file) => file !== self);

/** A phrase, and what to write instead. */
const PHRASES: readonly (readonly [RegExp, string])[] = [
  [/^\s*(?:\/\*\*|\*|\/\/|#)\s*(?:What|Who|Whose) (?!.*\?)/, "begin with the subject"],
  [/\b(?:whoever|whosever|whomever)\b/i, "name the person or the program"],
  [/\b(?:is|are|was|were|there's) none\b/i, '"does not exist", "has no ..."'],
  [/\bin hand\b/i, '"running", "held"'],
  [/\b(?:came|comes?|becomes?|became) of\b/i, '"result", "outcome"'],
  [/\b(?:is|are|was|were|be) told\b/i, 'say who tells: "Rowmill reports"'],
  [/\bmend(?:s|ed|ing|able)?\b/i, '"fix", "repair"'],
  [/\bshall\b/i, '"must", "will"'],
  [/\bbegun\b/i, '"started"'],
  [/\bby (?:itself|themselves)\b/i, '"automatically", "alone"'],
  [/\bis no (?:option|setting|column|number)\b/i, '"Unknown option"'],
  [/\bto be had\b/i, '"available"'],
];

test("no comment, text or document has a phrase of the word list", () => {
  const found = files.flatMap((file) =>
    readFileSync(join(root, file), "utf8")
      .split("\n")
      .flatMap((line, index) =>
        PHRASES.filter(([phrase]) => phrase.test(line)).map(
          ([, instead]) => `${file}:${index + 1} ${line.trim()} (write ${instead})`,
        ),
      ),
  );
  expect(found).toEqual([]);
});

/** Refuses phrases that readers stumble over, in comments, messages, tests and documents. */
import { globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..");
/** This file has the phrases. */
const self = "test/plain-english.test.ts";
const files = globSync(
  ["*.md", "docs/**/*.md", "{src,test}/**/*.{ts,tsx,sh}", ".env.example", "Dockerfile", "compose.yaml"],
  {
    cwd: root,
  },
).filter((file) => file !== self);

/** Each phrase, with a hint for a better one. */
const PHRASES: readonly (readonly [RegExp, string])[] = [
  [/^\s*(?:\/\*\*|\*|\/\/|#)\s*(?:What|Who|Whose|Where) (?!.*\?)/, "begin with the subject"],
  [/\b(?:whoever|whosever|whomever)\b/i, "name the person or the program"],
  [/\b(?:is|are|was|were|there's) none\b/i, '"does not exist", "has no ..."'],
  [/\bin hand\b/i, '"running", "held"'],
  [/\b(?:came|comes?|becomes?|became) of\b/i, '"result", "outcome"'],
  [/\b(?:is|are|was|were|be) told\b/i, 'say who tells: "Rowmill reports"'],
  [/\bmend(?:s|ed|ing|able)?\b/i, '"fix", "repair"'],
  [/\bshall\b/i, '"must", "will"'],
  [/\bbegun\b/i, '"started"'],
  [/\bby (?:itself|themselves)\b/i, '"automatically", "alone"'],
  [
    /(?<!there )\bis no (?:option|setting|column|number|boolean|text|dry run)\b/i,
    '"Unknown option", "is not a number"',
  ],
  [/\bThere are: /, '"Known options: ..."'],
  [/\b(?:above|after|by|of|to) so many\b/i, "name the number"],
  [/\bof ours\b(?![()])/i, '"Rowmill\'s"'],
  [/\bto be had\b/i, '"available"'],
];

test("no comment, message, test or document has a phrase of the word list", () => {
  const found = files.flatMap((file) =>
    readFileSync(join(root, file), "utf8")
      .split("\n")
      .flatMap((line, index) =>
        PHRASES.filter(([phrase]) => phrase.test(line)).map(
          ([, hint]) => `${file}:${index + 1} ${line.trim()} (${hint})`,
        ),
      ),
  );
  expect(found).toEqual([]);
});

import { expect, test } from "vitest";
import { cleanUsername, usernameProblem } from "../../src/accounts/usernames.ts";

test.each([
  "ada",
  "Ada Lovelace",
  "ada+test@example.com",
  "Zo\u00eb",
  "\u0130brahim",
  "Straße",
  "Достоевский",
  "Ελένη",
  "名前と平仮名",
  "김철수 kim",
  "שלום",
  "مريم",
  "देवनागरी",
  "user-1 / 2",
])("the name %s is accepted", (name) => {
  expect(usernameProblem(cleanUsername(name))).toBeNull();
});

test.each([
  ["a right-to-left override", "ada\u202e", "Invisible characters"],
  ["a soft hyphen", "a\u00adda", "Invisible characters"],
  ["a zero-width space", "ad\u200ba", "Invisible characters"],
  ["a zero-width joiner", "ad\u200da", "Invisible characters"],
  ["a Hangul filler", "ada\u3164", "Invisible characters"],
  ["a variation selector", "ada\ufe0f", "Invisible characters"],
  ["a tag character", "ada\u{e0061}", "Invisible characters"],
  ["a line end", "a\r\nda", "Invisible characters"],
  ["a no-break space", "a\u00a0da", "Invisible characters"],
  ["wide letters", "\uff41\uff44\uff41", "Invisible characters"],
  ["a ligature", "\ufb01le", "Invisible characters"],
  ["an emoji", "ada😀", "Invisible characters"],
  ["half a surrogate pair", "ada\ud83d", "Invisible characters"],
  ["a Cyrillic letter among Latin ones", "аda", "several scripts"],
  ["a Greek letter among Latin ones", "adοa", "several scripts"],
  ["a script that is no longer used", "𐌀𐌁", "several scripts"],
  ["Cyrillic letters that look Latin", "асе", "look like Latin"],
  ["Greek letters that look Latin, and digits", "κατν 1", "look like Latin"],
  ["a reserved word", "Anonymous", "reserved"],
])("a name with %s is refused", (_, name, problem) => {
  expect(usernameProblem(cleanUsername(name))).toContain(problem);
});

import { expect, test } from "vitest";
import { isObvious } from "../../src/accounts/obvious-passwords.ts";

test.each([
  ["rowmill2026", "ada"],
  ["Rowmill-Admin!", "ada"],
  ["csvupload123", "ada"],
  ["ada-lovelace", "Ada-Lovelace"],
  ["adalovelace1815", "adalovelace"],
  ["hedwig hedwig abc", "hedwig"],
])("the password %s of %s is obvious", (password, username) => {
  expect(isObvious(password, username)).toBe(true);
});

test.each([
  ["correct horse", "ada"],
  ["ada likes tea", "ada"],
  ["8245917365", "ada"],
  ["漢字漢字漢字漢字", "ada"],
  ["rowmill has a moat", ""],
])("the password %s of %s is not obvious", (password, username) => {
  expect(isObvious(password, username)).toBe(false);
});

/** Words that somebody who attacks an installation of Rowmill tries first. docs/operations/security.md lists them. */
const WORDS = ["rowmill", "upload", "spreadsheet", "import", "batch", "operator", "admin", "csv"];

/** Letters that must be left: fewer are quickly tried. */
const MIN_OTHER_LETTERS = 4;

/** Whether a password consists of the username or a word of the list, and hardly any other letter. Ignores case. */
export function isObvious(password: string, username: string): boolean {
  let rest = password.toLowerCase();
  const name = username.trim().toLowerCase();
  for (const word of name === "" ? WORDS : [name, ...WORDS]) rest = rest.replaceAll(word, "");
  return rest.length < password.length && rest.replace(/\P{L}/gu, "").length < MIN_OTHER_LETTERS;
}

/** Names that nobody can sign up with: `anonymous` owns uploads without a login. */
const RESERVED: ReadonlySet<string> = new Set(["anonymous"]);

/** The stored form: names that look the same become equal. */
export function cleanUsername(username: string): string {
  return username.trim().normalize("NFC");
}

export function isReserved(name: string): boolean {
  return RESERVED.has(name.toLowerCase());
}

/** Letters, marks, digits and the printable characters of ASCII (RFC 8264, IdentifierClass), and spaces (RFC 8265, 3.1). */
const IDENTIFIER = /^[\x20-\x7e\p{Ll}\p{Lu}\p{Lo}\p{Lm}\p{Mn}\p{Mc}\p{Nd}]*$/u;
/** Characters that are invisible, or allowed by RFC 8264 in certain contexts only. */
const REFUSED =
  /[\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\p{Noncharacter_Code_Point}\u0640\u07fa\u302e\u302f\u3031-\u3035\u303b\u1100-\u11ff\ua960-\ua97c\ud7b0-\ud7fb]/u;

/** The recommended scripts of Unicode (UAX 31, table 5), alone or in the combinations of UTS 39, "highly restrictive". */
const SCRIPTS = [
  ["Latin"],
  ["Latin", "Han", "Hiragana", "Katakana"],
  ["Latin", "Han", "Bopomofo"],
  ["Latin", "Han", "Hangul"],
  ...[
    "Arabic",
    "Armenian",
    "Bengali",
    "Cyrillic",
    "Devanagari",
    "Ethiopic",
    "Georgian",
    "Greek",
    "Gujarati",
  ].map(one),
  ...["Gurmukhi", "Hebrew", "Kannada", "Khmer", "Lao", "Malayalam", "Myanmar", "Oriya", "Sinhala"].map(one),
  ...["Tamil", "Telugu", "Thaana", "Thai", "Tibetan"].map(one),
].map(onlyIn);

/** Letters of other scripts that look like Latin ones. A name of nothing else could be taken for a Latin name. */
const LATIN_LOOKALIKES = [
  /^[\x20-\x7eаысԁеԍһіюјӏорԗԛѕԝхуъьҽпгѵѡАВСЕНІЈКМОРЅТХУ]*$/u,
  /^[\x20-\x7eαικνρυωηοτγΑΒΕΖΗΙΚΜΝΟΡΤΥΧ]*$/u,
  /^[\x20-\x7eագզէլհյոսւօՕՏՍ]*$/u,
  /^[\x20-\x7eიოყძხჽჿ]*$/u,
  /^[\x20-\x7eדוחיןסװײ]*$/u,
];

/**
 * Checks a name that someone wants to sign up with. Accounts that exist keep their names.
 * @param name in its stored form
 * @returns what is wrong with it, as a continuation of "username", or null
 */
export function usernameProblem(name: string): string | null {
  if (name === "") return "must not be empty.";
  if (isReserved(name)) return "is reserved. Choose another name.";
  if (!IDENTIFIER.test(name) || REFUSED.test(name) || hasCompatibilityForms(name))
    return "must consist of letters, digits, spaces and the symbols of ASCII. Invisible characters are refused.";
  if (!SCRIPTS.some((script) => script.test(name)))
    return "mixes letters of several scripts, such as Latin and Cyrillic. Use one script.";
  const isAscii = /^[\x20-\x7e]*$/.test(name);
  if (!isAscii && LATIN_LOOKALIKES.some((letters) => letters.test(name)))
    return "consists of letters that look like Latin ones. Choose a name that nobody can take for another.";
  return null;
}

/** Such as wide letters and ligatures, which other software may take for the plain letters. */
function hasCompatibilityForms(name: string): boolean {
  return [...name].some((character) => character.normalize("NFKC") !== character);
}

function one(script: string): string[] {
  return [script];
}

function onlyIn(scripts: readonly string[]): RegExp {
  const classes = [...scripts, "Common", "Inherited"].map((script) => `\\p{scx=${script}}`);
  return new RegExp(`^[${classes.join("")}]*$`, "u");
}

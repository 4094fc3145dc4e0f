/** Compares and shows names of columns, which can look the same and differ in characters that nobody sees. */

/** Zero-width characters, soft hyphens, directions, variation selectors, and control characters other than blanks. */
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Cf}]|(?!\s)\p{Cc}/gu;
const BLANKS = /\s+/gu;

/** Equal results mean names that look the same: without regard to case, blanks, and how Unicode composes letters. */
function foldName(name: string): string {
  // Upper case first, because `ß` and the two forms of the Greek sigma only become equal there.
  const folded = name.replace(INVISIBLE, "").normalize("NFKC").toUpperCase().toLowerCase();
  return folded.replace(BLANKS, " ").trim();
}

const MARKS = [" ", "*", ":", "(required)", "[required]", "(optional)", "[optional]", "(mandatory)"];

/** Like `foldName`, without regard to blanks, `_`, `-` and decoration as in `* Title (required):`. */
export function bareName(name: string): string {
  const folded = foldName(name);
  let start = 0;
  let end = folded.length;
  while (folded[start] === "*" || folded[start] === " ") start++;
  for (;;) {
    const mark = MARKS.find((mark) => folded.endsWith(mark, end) && end - mark.length > start);
    if (mark === undefined) break;
    end -= mark.length;
  }
  const bare = start < end ? folded.slice(start, end) : folded;
  return bare.replace(/[\s_-]/g, "");
}

/**
 * Returns a function that finds a name that a user wrote in the header of a file: as it is, or else as it looks, or else
 * without decoration. It returns the positions; more than one: the name is ambiguous.
 */
export function nameFinder(header: readonly string[]): (name: string) => readonly number[] {
  const indexes = [(name: string) => name.trim(), foldName, bareName].map((fold) => ({
    fold,
    positions: Map.groupBy(header.keys(), (position) => fold(header[position] ?? "")),
  }));
  return (name) => {
    for (const { fold, positions } of indexes) {
      const found = positions.get(fold(name));
      if (found) return found;
    }
    return [];
  };
}

/** Everything that a reader cannot tell from nothing or from a plain blank. */
const UNSEEN = /(?! )[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\p{Z}]/gu;

/** Returns the name for a message, with `<U+200B>` for a character that cannot be seen. */
export function visible(name: string): string {
  return name.replace(UNSEEN, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
  });
}

/** Names for an error message, which a long header must not fill. */
export function listNames(header: readonly string[]): string {
  return header.slice(0, 500).map(visible).join(", ").slice(0, 500);
}

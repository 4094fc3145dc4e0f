/** Text of users in mails. It is of limited length, and nothing in it can reorder, hide or forge what surrounds it. */

/** Controls, marks that change the direction of text, invisible characters, and halves of surrogate pairs. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]+/gu;
/** U+200D joins emoji, as in families and flags. */
const UNSAFE_IN_LINES = /[^\P{C}\n\u200d]+|[\p{Zl}\p{Zp}]+/gu;

/** One line. */
export function oneLine(text: string, max: number): string {
  return shorten(
    text
      .slice(0, max * 4)
      .replace(UNSAFE, " ")
      .trim(),
    max,
  );
}

/** Keeps line breaks. */
export function lines(text: string, max: number): string {
  const cleaned = text
    .slice(0, max * 4)
    .replace(/\r\n?/g, "\n")
    .replace(UNSAFE_IN_LINES, " ");
  return shorten(cleaned.replace(/\n{3,}/g, "\n\n").trim(), max);
}

function shorten(text: string, max: number): string {
  const characters = [...text];
  return characters.length <= max ? text : `${characters.slice(0, max - 1).join("")}…`;
}

/** Reads blanks around cells. */

const TAB = 9;
export const SPACE = 32;

/** Returns the cells of a line without quotes, if blanks behind the delimiter belong to it. */
export function splitPadded(line: string, delimiter: string): string[] {
  if (delimiter === " ") {
    let end = line.length;
    while (end > 0 && line.charCodeAt(end - 1) === SPACE) end--;
    return line.slice(pastSpaces(line, 0), end).split(/ +/);
  }
  const fields = line.split(delimiter);
  for (let column = 1; column < fields.length; column++) {
    const field = fields[column] ?? "";
    fields[column] = field.slice(pastBlanks(field, 0, delimiter.charCodeAt(0)));
  }
  return fields;
}

/** Returns the position of the first character that is no blank, or is the delimiter. */
export function pastBlanks(text: string, from: number, delimiterCode: number): number {
  for (let at = from; ; at++) {
    const code = text.charCodeAt(at);
    if ((code !== SPACE && code !== TAB) || code === delimiterCode) return at;
  }
}

export function pastSpaces(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) === SPACE) at++;
  return at;
}

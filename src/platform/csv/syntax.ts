/** The syntax of a CSV file. */

export type Escape = "double" | "backslash";

/** How blanks around cells are read: as text, as text except before a quoted cell, or as a part of the delimiter. */
type Blanks = "text" | "before-quotes" | "delimiter";

export interface Syntax {
  /** One character. */
  readonly delimiter: string;
  /** Empty: cells are never quoted. */
  readonly quote: string;
  /** null: quotes are doubled, unless the first misplaced quote follows a backslash. */
  readonly escape: Escape | null;
  readonly blanks: Blanks;
}

export const LF = 10;
export const CR = 13;

export function isLineBreak(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === LF || code === CR;
}

export function hasLineBreak(text: string, from: number, to: number): boolean {
  const part = text.slice(from, to);
  return part.includes("\n") || part.includes("\r");
}

/** Returns the position of the next line break, or the length of the text. */
export function lineEndOf(text: string, from: number): number {
  let at = from;
  while (at < text.length && !isLineBreak(text, at)) at++;
  return at;
}

/** Finds the place of the first error in JSON. Browsers say it differently, or not at all. */

const STRING = /"(?:[^"\\\p{Cc}]|[\u007f-\u009f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/uy;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const BLANK = /[ \t\r\n]*/y;

/** No definition is deeper. */
const MAX_DEPTH = 200;

export interface JsonPlace {
  readonly line: number;
  readonly column: number;
}

/** @returns null if the text is JSON */
export function jsonErrorAt(text: string): JsonPlace | null {
  const at = errorOffset(text);
  if (at === null) return null;
  const before = text.slice(0, at).split("\n");
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

function errorOffset(text: string): number | null {
  let at = 0;
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    if (!pattern.test(text)) return false;
    at = pattern.lastIndex;
    return true;
  };
  const takeText = (expected: string): boolean => {
    take(BLANK);
    if (!text.startsWith(expected, at)) return false;
    at += expected.length;
    take(BLANK);
    return true;
  };
  /** Reads what follows `{` or `[`: members, and the closing bracket. */
  const takeMembers = (close: string, takeMember: () => boolean): boolean => {
    if (takeText(close)) return true;
    do {
      if (!takeMember()) return false;
    } while (takeText(","));
    return takeText(close);
  };
  const takeValue = (depth: number): boolean => {
    take(BLANK);
    if (depth > MAX_DEPTH) return false;
    const takeNext = () => takeValue(depth + 1);
    if (takeText("{")) return takeMembers("}", () => take(STRING) && takeText(":") && takeNext());
    if (takeText("[")) return takeMembers("]", takeNext);
    return take(STRING) || take(SCALAR);
  };
  if (!takeValue(0)) return at;
  take(BLANK);
  return at < text.length ? at : null;
}

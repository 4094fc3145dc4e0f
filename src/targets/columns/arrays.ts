/** Arrays as PostgreSQL writes them: `{a,"b c"}`. */

const PLAIN_ITEM = /^[A-Za-z0-9_.:+-]+$/;

/** Items that PostgreSQL could read as something else are quoted. */
export function writeArray(items: readonly string[]): string {
  return `{${items.map(writeItem).join(",")}}`;
}

function writeItem(item: string): string {
  if (PLAIN_ITEM.test(item) && item.toUpperCase() !== "NULL") return item;
  return `"${item.replace(/["\\]/g, "\\$&")}"`;
}

/** Reads what `writeArray` writes. */
export function readArray(literal: string): string[] {
  const items: string[] = [];
  const pattern = /"((?:[^"\\]|\\.)*)"|[^,{}"]+/gsy;
  for (let at = 1; at < literal.length - 1; ) {
    pattern.lastIndex = at;
    const [found = "", quoted] = pattern.exec(literal) ?? [];
    if (found === "") throw new Error(`Not an array: ${literal.slice(0, 100)}`);
    items.push(quoted === undefined ? found : quoted.replace(/\\(.)/gs, "$1"));
    at += found.length + 1;
  }
  return items;
}

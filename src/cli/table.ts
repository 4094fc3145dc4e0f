/** Output of commands: tables for people, JSON for programs. */
export type Row = Readonly<Record<string, string | number | null>>;

export function printTable(rows: readonly Row[]): void {
  console.log(tableOf(rows));
}

/** Returns lines of equal columns, below the names of the fields. */
export function tableOf(rows: readonly Row[]): string {
  const [first] = rows;
  if (!first) return "None.";
  const names = Object.keys(first);
  const lines = [
    names.map((name) => name.toUpperCase()),
    ...rows.map((row) => names.map((name) => oneLine(row[name] ?? "-"))),
  ];
  const widths = names.map((_, at) => Math.max(...lines.map((cells) => cells[at]?.length ?? 0)));
  const padded = (cells: readonly string[]) => cells.map((cell, at) => cell.padEnd(widths[at] ?? 0));
  return lines.map((cells) => padded(cells).join("  ").trimEnd()).join("\n");
}

export function printJson(value: unknown): void {
  console.log(JSON.stringify(value, null, 2));
}

/** Prints text of several lines, without control characters. */
export function printText(text: string): void {
  console.log(harmless(text));
}

/** Removes control characters from text of several lines. */
export function harmless(text: string): string {
  return text.replace(/[^\P{Cc}\n]+/gu, " ");
}

/** Removes control characters: titles come from users, and a terminal would execute escape sequences in them. */
export function oneLine(cell: string | number): string {
  return String(cell).replace(/\p{Cc}+/gu, " ");
}

export function show<T>(json: boolean, items: readonly T[], rowOf: (item: T) => Row): void {
  if (json) printJson({ items });
  else printTable(items.map(rowOf));
}

/** The key of the item at which a search stopped; undefined: the page did not stop there. */
type SearchedTo = { readonly key: string | number } | undefined;

interface ReadPage<T> {
  readonly items: readonly T[];
  readonly hasMore: boolean;
  readonly searchedTo?: SearchedTo;
}

/** Yields up to `limit` items, a page at a time: pages of long items are short. */
export async function* pagesOf<T>(
  limit: number,
  read: (left: number, last: T | undefined, searchedTo: SearchedTo) => Promise<ReadPage<T>>,
): AsyncGenerator<readonly T[]> {
  let last: T | undefined;
  let searchedTo: SearchedTo;
  for (let left = limit; left > 0; ) {
    const found = await read(left, last, searchedTo);
    yield found.items;
    if (!found.hasMore) return;
    left -= found.items.length;
    last = found.items.at(-1);
    searchedTo = found.searchedTo;
  }
}

/** Like `show`, for lists that are too long for the memory: JSON is printed while the list is read. */
export async function showPages<T>(
  json: boolean,
  pages: AsyncIterable<readonly T[]>,
  rowOf: (item: T) => Row,
): Promise<void> {
  const rows: Row[] = [];
  let separator = '{\n  "items": [';
  for await (const page of pages) {
    if (!json) rows.push(...page.map(rowOf));
    for (const item of json ? page : []) {
      const text = JSON.stringify(item, null, 2).replaceAll("\n", "\n    ");
      process.stdout.write(`${separator}\n    ${text}`);
      separator = ",";
    }
  }
  if (json) console.log(separator === "," ? "\n  ]\n}" : `${separator}]\n}`);
  else printTable(rows);
}

/** Runs a bulk change with `--yes`. Otherwise only shows how many things it would change. */
export async function afterCount(
  { yes, json }: { yes: boolean; json: boolean },
  matched: number,
  done: string,
  run: () => Promise<{ matched: number; changed: number }>,
): Promise<void> {
  const { changed } = yes ? await run() : { changed: 0 };
  if (json) printJson({ matched, changed });
  else if (yes) console.log(`${changed} of ${matched} ${done}.`);
  else console.log(`${matched} would be ${done}. Add --yes to do it.`);
}

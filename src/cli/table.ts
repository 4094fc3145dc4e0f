/** Output of commands: tables for people, JSON for programs. */

export type Row = Readonly<Record<string, string | number | null>>;

export function printTable(rows: readonly Row[]): void {
  const [first] = rows;
  if (!first) {
    console.log("None.");
    return;
  }
  const names = Object.keys(first);
  const lines = [
    names.map((name) => name.toUpperCase()),
    ...rows.map((row) => names.map((name) => oneLine(row[name] ?? "-"))),
  ];
  const widths = names.map((_, at) => Math.max(...lines.map((cells) => cells[at]?.length ?? 0)));
  for (const cells of lines) {
    console.log(
      cells
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join("  ")
        .trimEnd(),
    );
  }
}

export function printJson(value: unknown): void {
  console.log(JSON.stringify(value, null, 2));
}

/** Removes control characters: titles come from users, and a terminal would execute escape sequences in them. */
function oneLine(cell: string | number): string {
  return String(cell).replace(/\p{Cc}+/gu, " ");
}

export function show<T>(json: boolean, items: readonly T[], rowOf: (item: T) => Row): void {
  if (json) printJson({ items });
  else printTable(items.map(rowOf));
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

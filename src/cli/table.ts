/** What a command shows: a table for people, JSON for programs. */

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

/** A terminal obeys control characters, and titles come from users. */
function oneLine(cell: string | number): string {
  return String(cell).replace(/\p{Cc}+/gu, " ");
}

/** CSV files of books. */

/** `good` rows that become books, with `bad` rows, which lack a title, spread among them. */
export function csv(good: number, bad = 0): string {
  const every = bad > 0 ? Math.floor((good + bad) / bad) : Number.POSITIVE_INFINITY;
  let left = bad;
  const lines = Array.from({ length: good + bad }, (_, index) => {
    if (left === 0 || (index + 1) % every !== 0) return `Title ${index},Author ${index},About ${index}`;
    left--;
    return `,Author ${index},About ${index}`;
  });
  return `title,author,description\n${lines.join("\n")}\n`;
}

/** `rows` books, some of which have a title of their own, by row number. */
export function titled(rows: number, titles: Record<number, string> = {}): string {
  const lines = Array.from({ length: rows }, (_, index) => {
    const row = index + 2;
    return `${titles[row] ?? `Title ${row}`},Author ${row}`;
  });
  return `title,author\n${lines.join("\n")}\n`;
}

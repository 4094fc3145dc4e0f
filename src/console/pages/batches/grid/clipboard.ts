/** Cells as spreadsheets put them into the clipboard: columns end in tabs, rows in line ends. */

/** A cell that contains a tab, a line end or a quote is quoted, as in CSV. */
export function parseCells(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let at = 0;
  const body = text.replace(/\r\n?/g, "\n").replace(/\n$/, "");
  for (;;) {
    const [cell, end] = body[at] === '"' ? readQuoted(body, at) : readPlain(body, at);
    row.push(cell);
    if (body[end] !== "\t") {
      rows.push(row);
      row = [];
    }
    if (end >= body.length) return rows;
    at = end + 1;
  }
}

function readPlain(text: string, start: number): readonly [cell: string, end: number] {
  const found = text.slice(start).search(/[\t\n]/);
  const end = found < 0 ? text.length : start + found;
  return [text.slice(start, end), end];
}

/** A quote that nothing closes is a character like others. */
function readQuoted(text: string, start: number): readonly [cell: string, end: number] {
  const quoted = /"((?:[^"]|"")*)"(?=[\t\n]|$)/y;
  quoted.lastIndex = start;
  const found = quoted.exec(text);
  if (!found?.[1] && found?.[1] !== "") return readPlain(text, start);
  return [found[1].replaceAll('""', '"'), quoted.lastIndex];
}

export function formatCells(rows: readonly (readonly string[])[]): string {
  const quote = (cell: string) => (/[\t\n\r"]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  return rows.map((row) => row.map(quote).join("\t")).join("\n");
}

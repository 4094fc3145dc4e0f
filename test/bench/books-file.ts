/** A CSV of books like real ones: titles, authors and descriptions of the shipped sample, made distinct by a number. */
import { once } from "node:events";
import { createWriteStream, readFileSync } from "node:fs";
import Papa from "papaparse";
import { COPY_NULL, copyValue } from "../../src/platform/postgres/copy.ts";

export const FLOOR_BATCH = "00000000-0000-7000-8000-000000000000";

/** Writes the CSV, and the same rows as COPY text in the shape of `batch_rows` for the floor. */
export async function writeBooks(rows: number, csvPath: string, copyPath: string): Promise<void> {
  const sample = new URL("../../src/demo/books.csv", import.meta.url);
  const { data } = Papa.parse<string[]>(readFileSync(sample, "utf8"), { skipEmptyLines: true });
  const good = data
    .slice(1)
    .filter(
      ([title, author, ...rest]) =>
        title &&
        author?.trim() &&
        rest.length === 1 &&
        author.length < 200 &&
        !title.includes("\uFFFD") &&
        title.length < 400,
    );
  const csv = createWriteStream(csvPath);
  const copy = createWriteStream(copyPath);
  csv.write("title,author,description\n");
  for (let row = 0; row < rows; row++) {
    const [title = "", author = "", description = ""] = good[row % good.length] ?? [];
    const cells = [`${title} (${row + 1})`, author, description];
    const written = [
      csv.write(`${cells.map(quoted).join(",")}\n`),
      copy.write(`${FLOOR_BATCH}\t${row + 2}\t${copyValue(JSON.stringify(cells))}\t${COPY_NULL}\n`),
    ];
    if (!written[0]) await once(csv, "drain");
    if (!written[1]) await once(copy, "drain");
  }
  await Promise.all([csv, copy].map((stream) => once(stream.end(), "finish")));
}

function quoted(cell: string): string {
  return /[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

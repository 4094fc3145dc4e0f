/** A CSV of books like real ones: titles, authors and descriptions of the shipped sample, made distinct by a number. */
import { once } from "node:events";
import { createWriteStream, readFileSync, type WriteStream } from "node:fs";
import Papa from "papaparse";
import { COPY_NULL, copyValue } from "./copy-text.ts";

export const FLOOR_BATCH = "00000000-0000-7000-8000-000000000000";

export interface BooksFile {
  readonly csv: string;
  /** The same rows as COPY text in the shape of `batch_rows`, for the floors. */
  readonly halves: readonly [Half, Half];
}

interface Half {
  readonly path: string;
  readonly firstRow: number;
  readonly lastRow: number;
}

/** @param path without an extension */
export async function writeBooks(rows: number, path: string): Promise<BooksFile> {
  const csv = `${path}.csv`;
  const middle = rows >> 1;
  const halves = [
    { path: `${path}.1.copy`, firstRow: 2, lastRow: middle + 1 },
    { path: `${path}.2.copy`, firstRow: middle + 2, lastRow: rows + 1 },
  ] as const;
  const good = sampleBooks();
  const table = createWriteStream(csv);
  const copies = halves.map((half) => createWriteStream(half.path));
  table.write(HEADER);
  for (let row = 0; row < rows; row++) {
    const cells = bookCells(good, row);
    await write(table, csvLine(cells));
    const line = `${FLOOR_BATCH}\t${row + 2}\t${copyValue(JSON.stringify(cells))}\t${COPY_NULL}\n`;
    await write(copies[row < middle ? 0 : 1] as WriteStream, line);
  }
  await Promise.all([table, ...copies].map((stream) => once(stream.end(), "finish")));
  return { csv, halves };
}

/** A file of which each hundredth row fails, because it has no author. */
export async function writeFailingBooks(rows: number, csv: string): Promise<void> {
  const good = sampleBooks();
  const table = createWriteStream(csv);
  table.write(HEADER);
  for (let row = 0; row < rows; row++) {
    const [title = "", author = "", description = ""] = bookCells(good, row);
    await write(table, csvLine([title, row % 100 === 99 ? "" : author, description]));
  }
  await once(table.end(), "finish");
}

/** @returns a small file; files with different numbers have different books */
export function smallFile(rows: number, number: number): string {
  const good = sampleBooks();
  const lines = Array.from({ length: rows }, (_, row) => csvLine(bookCells(good, number * rows + row)));
  return HEADER + lines.join("");
}

const HEADER = "title,author,description\n";

function sampleBooks(): string[][] {
  const sample = new URL("../../src/demo/books.csv", import.meta.url);
  const { data } = Papa.parse<string[]>(readFileSync(sample, "utf8"), { skipEmptyLines: true });
  return data
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
}

function bookCells(books: readonly string[][], row: number): string[] {
  const [title = "", author = "", description = ""] = books[row % books.length] ?? [];
  return [`${title} (${row + 1})`, author, description];
}

function csvLine(cells: readonly string[]): string {
  return `${cells.map(quoted).join(",")}\n`;
}

async function write(stream: WriteStream, text: string): Promise<void> {
  if (!stream.write(text)) await once(stream, "drain");
}

function quoted(cell: string): string {
  return /[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

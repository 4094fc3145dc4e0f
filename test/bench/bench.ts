/** The parts of the benchmark, and the database and files that they share. */
import { join } from "node:path";
import pg from "pg";
import { type BooksFile, writeBooks } from "./books-file.ts";

/** One line of the table: what was measured, its value, and the limit that we set ourselves; empty: none. */
export type Line = readonly [what: string, value: string, reach: string];

export interface Part {
  readonly lines: readonly Line[];
  readonly figures: Readonly<Record<string, number>>;
}

export class Bench {
  readonly databaseUrl: string;
  readonly folder: string;
  readonly rows: number;
  readonly runs: number;
  readonly #files = new Map<number, BooksFile>();

  constructor(options: Pick<Bench, "databaseUrl" | "folder" | "rows" | "runs">) {
    this.databaseUrl = options.databaseUrl;
    this.folder = options.folder;
    this.rows = options.rows;
    this.runs = options.runs;
  }

  /** Writes a file of books once. */
  readonly makeFile = async (rows: number): Promise<BooksFile> => {
    const made = this.#files.get(rows) ?? (await writeBooks(rows, join(this.folder, `books-${rows}`)));
    this.#files.set(rows, made);
    return made;
  };

  /** Each measurement finds empty tables, as its floor does. */
  readonly emptyTables = async (): Promise<void> => {
    const client = new pg.Client({ connectionString: this.databaseUrl });
    await client.connect();
    await client.query(
      `TRUNCATE rowmill.users, rowmill.books, rowmill.batches, rowmill.batch_rows, rowmill.chunks, rowmill.row_results,
        rowmill.refresh_tokens, rowmill.tasks, rowmill.notifications, rowmill_queue.job CASCADE`,
    );
    await client.query("CHECKPOINT");
    await client.end();
  };
}

export const seconds = (value: number) => `${value.toFixed(2)} s`;
export const milliseconds = (value: number) => `${value.toFixed(1)} ms`;
export const megabytes = (value: number) => `${value.toFixed(0)} MB`;
export const times = (value: number) => `${value.toFixed(2)} x`;
export const whole = (value: number) => Math.round(value).toLocaleString("en");
export const growth = (big: number, small: number) => `${(((big - small) / small) * 100).toFixed(0)} %`;

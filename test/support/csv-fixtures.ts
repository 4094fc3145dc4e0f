/** Public CSV files with what a reader must make of them; they lie beside the repository, and may not be there. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { gunzipSync } from "node:zlib";

const folder = resolve(import.meta.dirname, "../../../shared/data/csv");
const index = resolve(folder, "index.jsonl");

/** As the index has it, counted by Python's csv. */
export interface CsvFixture {
  readonly file: string;
  readonly kind: string;
  readonly delimiter: string;
  readonly records: number;
  readonly cells_sha1: string;
  readonly flags?: readonly string[];
}

export const csvFixtures: readonly CsvFixture[] = existsSync(index)
  ? readFileSync(index, "utf8")
      .trimEnd()
      .split("\n")
      .map((line): CsvFixture => JSON.parse(line))
      .filter(({ kind }) => kind === "csv")
  : [];

export const whyNoFixtures = `no fixtures in ${folder}`;

export function contentOf({ file }: CsvFixture): Buffer<ArrayBuffer> {
  const bytes = readFileSync(resolve(folder, file));
  return Buffer.from(file.endsWith(".gz") ? gunzipSync(bytes) : bytes);
}

/** Whether it breaks no rule of CSV, so that there is one right answer. */
export function isStrictlyValid({ flags = [] }: CsvFixture): boolean {
  return !flags.some((flag) => flag.startsWith("strict:"));
}

export function hashOfCells(records: readonly (readonly string[])[]): string {
  const hash = createHash("sha1");
  for (const fields of records) hash.update(`${fields.join("\x1f")}\x1e`);
  return hash.digest("hex");
}

/**
 * Files for which the reader and the index differ, by reason. The index assumes that `"` is the quote of every file, takes a
 * quote after a blank for text, and guesses delimiters in its own way.
 */
export const OTHER_ANSWERS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "apostrophes are the quotes": [
      "csv-parser/option-quote-escape.csv",
      "csv-parser/option-quote-many.csv",
      "duckdb/auto/single_quote_backslash.csv",
      "duckdb/validator/quoted_new_value.csv",
      "readr/tests/testthat/fixtures/basic-df-singlequote.csv",
    ],
    "quotes behind blanks are quotes where that makes the rows alike, or where there are many": [
      "duckdb/all_quotes.csv",
      "frictionless-tabulator/special/escaping.csv",
    ],
    "the file has tabs, as its name and its rows say": ["duckdb/bug_7578.csv"],
    "the file has commas with tabs after them to align its columns": ["univocity/examples/master_detail.csv"],
    "the table has semicolons, the remarks above it have commas": ["duckdb/comments/big.csv"],
    "the file has colons, as its name says": ["rust-csv/smallpop-colon.csv"],
    "bytes that Windows-1252 leaves open: read as the control characters they are there on the web, the others as usual":
      ["duckdb/fuzzing/9.csv", "duckdb/fuzzing/22.csv"],
    "noise made by a fuzzer, in which another delimiter or quote is as good a guess": [
      "duckdb/afl/3977/case_21.csv",
      "duckdb/afl/3977/case_76.csv",
      "duckdb/afl/3977/case_77.csv",
      "duckdb/afl/4329/case_1.csv",
      "duckdb/afl/ignore_errors/15.csv",
      "duckdb/afl/ignore_errors/23.csv",
      "duckdb/afl/ignore_errors/37.csv",
      "duckdb/afl/ignore_errors/38.csv",
      "duckdb/afl/ignore_errors/39.csv",
      "duckdb/afl/ignore_errors/40.csv",
      "duckdb/afl/ignore_errors/41.csv",
      "duckdb/afl/no_parameter/5.csv",
      "duckdb/afl/null_padding/16.csv",
      "duckdb/afl/null_padding/21.csv",
      "duckdb/afl/null_padding/24.csv",
      "duckdb/afl/null_padding/26.csv",
      "duckdb/afl/null_padding/31.csv",
      "duckdb/afl/null_padding/43.csv",
      "duckdb/fuzzing/2.csv",
      "duckdb/fuzzing/20.csv",
      "duckdb/fuzzing/4.csv",
    ],
    "behind a quote out of place, a cell has line breaks only if its own quotes fit: else the record ends with its line":
      [
        "duckdb/afl/3977/case_37.csv",
        "duckdb/afl/3977/case_40.csv",
        "duckdb/afl/3977/case_41.csv",
        "duckdb/afl/3977/case_67.csv",
        "duckdb/afl/8.csv",
      ],
  }).flatMap(([why, files]) => files.map((file): [string, string] => [file, why])),
);

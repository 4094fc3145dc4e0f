/** Reads CSV that arrives in chunks of a given size. */
import { expect } from "vitest";
import { DomainError } from "../../src/errors.ts";
import { type CsvOptions, type CsvRecord, openCsv } from "../../src/platform/csv/open-csv.ts";

export const CELL_MAX_BYTES = 1000;
export const CHUNK_SIZES = [1, 2, 3, 7, 16, 64, 65_536];

export async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export const limits = {
  cellMaxBytes: CELL_MAX_BYTES,
  headerNameMaxBytes: 1000,
  uploadMaxColumns: 1000,
  uploadMaxRows: 1_000_000,
};

/** RFC 4180, so that nothing is left to be guessed. */
export const PLAIN: CsvOptions = {
  header: false,
  delimiter: ",",
  quote: '"',
  escape: "double",
  skipBlankRows: false,
};

export async function read(
  source: AsyncIterable<Uint8Array>,
  options = PLAIN,
  withLimits = limits,
): Promise<CsvRecord[]> {
  const records: CsvRecord[] = [];
  const csv = await openCsv(source, options, withLimits);
  for await (const block of csv.records) records.push(...block);
  return records;
}

export const readText = (text: string, size = 65_536) => read(cut(Buffer.from(text), size));
export const refusalOf = (text: string, size?: number) =>
  readText(text, size).then(
    () => expect.fail("nothing was refused"),
    (error: unknown) => {
      expect(error).toBeInstanceOf(DomainError);
      return error as DomainError;
    },
  );

export const cells = (records: CsvRecord[]) => records.map(({ fields }) => fields);
export const numbered = (records: CsvRecord[]) => records.map(({ row, fields }) => [row, ...fields]);

export const utf16 = (text: string) => Buffer.from(`\uFEFF${text}`, "utf16le");

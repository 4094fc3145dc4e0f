/** Reads the names of the columns. */
import { countBytes } from "#csv/bytes";
import { DomainError, invalidField } from "../../errors.ts";
import type { CsvRecord } from "./parser.ts";
import type { CsvLimits } from "./reader.ts";

export interface CsvHeader {
  /** The row of the last line of the header. null: the file has no header. */
  readonly row: number | null;
  readonly names: readonly string[];
}

/**
 * Returns the names, trimmed. Empty names at the end are removed if their columns are empty. The names in several header
 * rows are joined with a blank.
 * @param rows the header rows; empty: the columns are numbered
 * @param sampled the first records below the header, which show the number of columns
 * @param chosen names that replace those in the file
 */
export function readHeader(
  rows: readonly CsvRecord[],
  sampled: readonly (readonly string[])[],
  chosen: readonly string[] | undefined,
  limits: CsvLimits,
): CsvHeader {
  const replacing = chosen?.map((name) => name.trim());
  const last = rows.at(-1);
  if (!last) {
    const width = sampled.reduce((most, fields) => Math.max(most, fields.length), 0);
    const names = replacing ?? Array.from({ length: width }, (_, at) => `column_${at + 1}`);
    return { row: null, names: checkNames(names, limits) };
  }
  const names = joinNames(rows);
  const filled = sampled.reduce(
    (most, fields) => Math.max(most, fields.findLastIndex((field) => field !== "") + 1),
    1,
  );
  while (names.length > filled && names.at(-1) === "") names.pop();
  if (replacing && replacing.length !== names.length) {
    const found = `the header in row ${last.row} has ${names.length}: ${names.join(", ").slice(0, 500)}`;
    throw invalidField("columns", `has ${replacing.length} names, but ${found}. Send one name per column.`);
  }
  return { row: last.row, names: checkNames(replacing ?? names, limits) };
}

function joinNames(rows: readonly CsvRecord[]): string[] {
  const width = rows.reduce((most, { fields }) => Math.max(most, fields.length), 0);
  return Array.from({ length: width }, (_, column) => {
    const parts = rows.map(({ fields }) => (fields[column] ?? "").trim()).filter((part) => part !== "");
    return [...new Set(parts)].join(" ");
  });
}

function checkNames(names: readonly string[], { headerNameMaxBytes }: CsvLimits): readonly string[] {
  for (const [index, name] of names.entries()) {
    const bytes = countBytes(name);
    if (bytes <= headerNameMaxBytes) continue;
    throw new DomainError(
      "too_large",
      `The name of column ${index + 1} has ${bytes} bytes. At most ${headerNameMaxBytes} are allowed (HEADER_NAME_MAX_BYTES).`,
    );
  }
  return names;
}

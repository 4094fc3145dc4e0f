/** Finds the columns of a target in the header of a file: first by the mapping of the upload, then by name and alias. */
import { type DomainError, invalidField } from "../errors.ts";
import { uniqueNames } from "../platform/csv/unique-names.ts";
import { bareName, listNames, nameFinder, visible } from "./names.ts";
import type { Target } from "./target.ts";

interface MatchOptions {
  /** Whether the header may have no column for a required column of the target. */
  readonly mayMiss?: boolean | undefined;
  /** The columns that the header must have. Absent: the required columns of the target. */
  readonly required?: readonly string[] | undefined;
}

export interface MatchedHeader {
  /** The column names of the file, trimmed. Empty and repeated names are made unique. */
  readonly header: string[];
  /** Target column to its position in the header. For a target that accepts any header: the names of all kept columns. */
  readonly mapping: Record<string, number>;
}

/** A column of the file to a column of the target, or to null, which ignores it. */
export type RequestedMapping = Readonly<Record<string, string | null>>;

/**
 * Columns that `requested` does not name match by name, as `bareName` compares names. The name of a column wins over its
 * aliases, and an earlier alias over a later one.
 * @throws DomainError `invalid_input` if `requested` is wrong or a required column is missing
 */
export function matchHeader(
  target: Target,
  names: readonly string[],
  requested: RequestedMapping = {},
  { mayMiss = false, required }: MatchOptions = {},
): MatchedHeader {
  const header = uniqueNames(names.map((name) => name.trim()));
  const chosen = chooseColumns(header, requested);
  const mapping = target.isOpen
    ? nameColumns(header, chosen)
    : findColumns(target, header, names, chosen, { mayMiss, required });
  return { header, mapping: Object.fromEntries(mapping) };
}

/** Position in the header to the requested name, or to null, which ignores the column. */
type Chosen = ReadonlyMap<number, string | null>;

function chooseColumns(header: readonly string[], requested: RequestedMapping): Map<number, string | null> {
  const chosen = new Map<number, string | null>();
  const find = nameFinder(header);
  for (const [fileColumn, targetColumn] of Object.entries(requested)) {
    const [position, ...others] = find(fileColumn);
    const shown = `"${visible(fileColumn)}"`;
    if (position === undefined)
      throw wrongMapping(`The file has no column ${shown}. Its columns: ${listNames(header)}.`);
    if (others.length > 0) {
      const alike = listNames([position, ...others].map((at) => header[at] ?? ""));
      throw wrongMapping(`Several columns of the file match ${shown}: ${alike}. Write the name exactly.`);
    }
    if (chosen.has(position))
      throw wrongMapping(`The column "${visible(header[position] ?? "")}" is mapped twice. Map it once.`);
    chosen.set(position, targetColumn);
  }
  return chosen;
}

/** For a target that accepts any header. */
function nameColumns(header: readonly string[], chosen: Chosen): Map<string, number> {
  const kept = new Map<string, number>();
  for (const [position, ownName] of header.entries()) {
    const name = chosen.has(position) ? chosen.get(position) : ownName;
    if (name === null || name === undefined) continue;
    if (name.trim() === "")
      throw wrongMapping(
        `The new name of "${visible(ownName)}" is empty. To ignore the column, map it to null.`,
      );
    if (kept.has(name))
      throw wrongMapping(
        `Two columns would have the name "${visible(name)}". Map one of them to another name or to null.`,
      );
    kept.set(name, position);
  }
  if (kept.size === 0) throw wrongMapping("Every column is ignored. Keep at least one.");
  return kept;
}

function findColumns(
  target: Target,
  header: readonly string[],
  names: readonly string[],
  chosen: Chosen,
  { mayMiss, required }: MatchOptions,
): Map<string, number> {
  const columns = Object.entries(target.columns.properties);
  const mapping = new Map<string, number>();
  const find = nameFinder(columns.map(([name]) => name));
  for (const [position, requested] of chosen) {
    if (requested === null) continue;
    const column = columns[find(requested)[0] ?? -1]?.[0];
    if (column === undefined) {
      const known = columns.map(([name]) => name).join(", ");
      throw wrongMapping(
        `The target ${target.name} has no column "${visible(requested)}". Its columns: ${known}.`,
      );
    }
    if (mapping.has(column))
      throw wrongMapping(`Two columns are mapped to "${column}". Map one of them to null, which ignores it.`);
    mapping.set(column, position);
  }
  // Columns that the mapping names do not match by name.
  const found = names.map((name, position) => (chosen.has(position) ? null : bareName(name)));
  for (const [column, rules] of columns) {
    if (mapping.has(column)) continue;
    const accepted = [column, ...(target.aliases[column] ?? [])].map(bareName);
    const name = accepted.find((candidate) => found.includes(candidate));
    if (name !== undefined) {
      mapping.set(column, found.indexOf(name));
    } else if (!mayMiss && (required?.includes(column) ?? !("default" in rules))) {
      throw missingColumn(column, target.aliases[column] ?? [], header, chosen.size > 0);
    }
  }
  if (mayMiss) return mapping;
  if (mapping.size === 0) throw nothingMatches(target, header);
  if (target.isClosed) requireAllKnown(target, header, mapping, chosen);
  return mapping;
}

function nothingMatches({ name, columns }: Target, header: readonly string[]): DomainError {
  const known = Object.keys(columns.properties).join(", ");
  const message = `The header has no column of the target ${name}. Found: ${listNames(header)}. Its columns: ${known}.`;
  return invalidField("file", `${message} Rename one, or name it in \`mapping\`.`);
}

function requireAllKnown(
  target: Target,
  header: readonly string[],
  mapping: ReadonlyMap<string, number>,
  chosen: Chosen,
): void {
  const used = new Set([...mapping.values(), ...chosen.keys()]);
  const unknown = header.filter((_, position) => !used.has(position));
  if (unknown.length === 0) return;
  const known = Object.keys(target.columns.properties).join(", ");
  const message = `The target ${target.name} does not know these columns: ${listNames(unknown)}.`;
  throw invalidField(
    "file",
    `${message} Map them to null in \`mapping\` to ignore them, or remove them. Known columns: ${known}.`,
  );
}

function missingColumn(
  column: string,
  aliases: readonly string[],
  header: readonly string[],
  hasMapping: boolean,
): DomainError {
  const accepted = `"${column}"${aliases.length > 0 ? ` (or ${aliases.join(", ")})` : ""}`;
  const found = `Found: ${listNames(header)}.`;
  return hasMapping
    ? wrongMapping(`Neither the mapping nor the header has a column for ${accepted}. ${found}`)
    : invalidField(
        "file",
        `The header has no column ${accepted}. ${found} Rename one, or name it in \`mapping\`.`,
      );
}

/**
 * Parses the upload option `mapping`.
 * @throws DomainError `invalid_input` if it is not a JSON object of strings and nulls
 */
export function parseMapping(text: string): RequestedMapping {
  let mapping: unknown;
  try {
    mapping = JSON.parse(text);
  } catch (error) {
    throw wrongMapping("is not JSON.", error);
  }
  if (!isMapping(mapping))
    throw wrongMapping('must be a JSON object, such as {"Name": "title", "Notes": null}.');
  return mapping;
}

function isMapping(value: unknown): value is RequestedMapping {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((name) => typeof name === "string" || name === null);
}

/** The columns of a result file after the uploaded columns. */
export const RESULT_COLUMNS = ["_row", "_status", "_error_code", "_error", "_id"] as const;
/** The last column of a result file if rows have more cells than the header: these cells, as a JSON array. */
export const EXTRA_COLUMN = "_extra";

/** The position of the first result column; -1 if the header is not the header of a result file. */
export function resultColumnsAt(names: readonly string[]): number {
  const isNamed = (at: number, name: string) => names[at]?.trim().toLowerCase() === name;
  const end = isNamed(names.length - 1, EXTRA_COLUMN) ? names.length - 1 : names.length;
  const start = end - RESULT_COLUMNS.length;
  return start > 0 && RESULT_COLUMNS.every((name, index) => isNamed(start + index, name)) ? start : -1;
}

function wrongMapping(message: string, cause?: unknown): DomainError {
  return invalidField("mapping", message, cause);
}

/** Finds a target's columns in the header of a file: as the upload's mapping says, then by name and alias. */
import { type DomainError, invalidField } from "../errors.ts";
import type { Target } from "./target.ts";

export interface MatchedHeader {
  /** The names as the file has them, trimmed, and made unique where they repeat or are empty. */
  readonly header: string[];
  /**
   * Target column to its position in the header. Where the target takes any header: the names under which columns are
   * kept.
   */
  readonly mapping: Record<string, number>;
}

/** A column of the file to a column of the target, or null: it is ignored. */
export type GivenMapping = Readonly<Record<string, string | null>>;

/**
 * Names match without regard to case, spaces, `_` and `-`; a column's own name wins over its aliases, and an
 * earlier alias over a later one. What `given` says comes first; columns that it does not mention are matched by name.
 * @throws DomainError `invalid_input` that names what is wrong in `mapping`, or the column missing, and what was found
 */
export function matchHeader(
  target: Target,
  names: readonly string[],
  given: GivenMapping = {},
): MatchedHeader {
  const header = uniqueNames(names.map((name) => name.trim()));
  const chosen = new Map<number, string | null>();
  for (const [theirs, ours] of Object.entries(given)) {
    const position = header.indexOf(theirs.trim());
    if (position === -1) throw wrongMapping(`the file has no column "${theirs}". It has: ${listed(header)}.`);
    chosen.set(position, ours);
  }
  const mapping = target.isOpen ? keepColumns(header, chosen) : findColumns(target, header, names, chosen);
  return { header, mapping: Object.fromEntries(mapping) };
}

type Chosen = ReadonlyMap<number, string | null>;

function keepColumns(header: readonly string[], chosen: Chosen): Map<string, number> {
  const kept = new Map<string, number>();
  for (const [position, name] of header.entries()) {
    const as = chosen.has(position) ? chosen.get(position) : name;
    if (as === null || as === undefined) continue;
    if (as.trim() === "") throw wrongMapping(`"${name}" can't be kept under an empty name; null ignores it.`);
    if (kept.has(as)) throw wrongMapping(`two columns would be kept as "${as}". Ignore one with null.`);
    kept.set(as, position);
  }
  if (kept.size === 0) throw wrongMapping("every column is ignored.");
  return kept;
}

function findColumns(
  target: Target,
  header: readonly string[],
  names: readonly string[],
  chosen: Chosen,
): Map<string, number> {
  const columns = Object.entries(target.columns.properties);
  const mapping = new Map<string, number>();
  for (const [position, column] of chosen) {
    if (column === null) continue;
    if (!Object.hasOwn(target.columns.properties, column))
      throw wrongMapping(
        `${target.name} has no column "${column}". It has: ${columns.map(([name]) => name).join(", ")}.`,
      );
    if (mapping.has(column)) throw wrongMapping(`"${column}" is mapped twice.`);
    mapping.set(column, position);
  }
  // A column that was chosen for something is no guess for another.
  const found = names.map((name, position) => (chosen.has(position) ? null : comparable(name)));
  for (const [column, rules] of columns) {
    if (mapping.has(column)) continue;
    const accepted = [column, ...(target.aliases[column] ?? [])].map(comparable);
    const name = accepted.find((candidate) => found.includes(candidate));
    if (name !== undefined) {
      mapping.set(column, found.indexOf(name));
    } else if (!("default" in rules)) {
      const also = target.aliases[column]?.join(", ");
      throw invalidField(
        chosen.size > 0 ? "mapping" : "file",
        `The header has no column "${column}"${also ? ` (or ${also})` : ""}${chosen.size > 0 ? " that the mapping leaves for it" : ""}. ` +
          `Found: ${listed(header)}.`,
      );
    }
  }
  return mapping;
}

/**
 * What an upload sends as `mapping`.
 * @throws DomainError `invalid_input` where it is not a JSON object of texts and nulls
 */
export function parseMapping(text: string): GivenMapping {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    throw wrongMapping("is not JSON.");
  }
  const isObject = typeof given === "object" && given !== null && !Array.isArray(given);
  if (!isObject || Object.values(given as object).some((ours) => typeof ours !== "string" && ours !== null))
    throw wrongMapping('must be a JSON object of the file\'s columns, as {"Name": "title", "Notes": null}.');
  return given as GivenMapping;
}

/** What a results file has behind the columns that were uploaded. */
export const RESULT_COLUMNS = ["_row", "_status", "_error_code", "_error", "_id"] as const;
/** And behind those, where rows have more cells than the header: these cells, as a JSON array. */
export const EXTRA_COLUMN = "_extra";

/** Where a results file's own columns begin; -1 where the header is not one of a results file. */
export function resultColumnsAt(names: readonly string[]): number {
  const isNamed = (at: number, name: string) => names[at]?.trim().toLowerCase() === name;
  const end = isNamed(names.length - 1, EXTRA_COLUMN) ? names.length - 1 : names.length;
  const start = end - RESULT_COLUMNS.length;
  return start > 0 && RESULT_COLUMNS.every((name, index) => isNamed(start + index, name)) ? start : -1;
}

function wrongMapping(message: string): DomainError {
  return invalidField("mapping", message);
}

function listed(header: readonly string[]): string {
  return header.join(", ").slice(0, 500);
}

function comparable(name: string): string {
  return name.toLowerCase().replace(/[\s_-]/g, "");
}

/** Empty names become `column_N`, repeated ones get `_2`, `_3` and so on. */
export function uniqueNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  const counts = new Map<string, number>();
  return names.map((name, index) => {
    const base = name || `column_${index + 1}`;
    let unique = base;
    let count = counts.get(base) ?? 1;
    while (taken.has(unique)) unique = `${base}_${++count}`;
    counts.set(base, count);
    taken.add(unique);
    return unique;
  });
}

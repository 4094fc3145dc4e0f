/** Finds a target's columns in the header of a file. */
import { invalidField } from "../errors.ts";
import type { Target } from "./target.ts";

export interface MatchedHeader {
  /** The names as the file has them, trimmed, and made unique where they repeat or are empty. */
  readonly header: string[];
  /** Target column to its position in the header. */
  readonly mapping: Record<string, number>;
}

/**
 * Names match without regard to case, spaces, `_` and `-`; a column's own name wins over its aliases, and an
 * earlier alias over a later one.
 * @throws DomainError `invalid_input` that names the column missing and what was found
 */
export function matchHeader(target: Target, names: readonly string[]): MatchedHeader {
  const header = uniqueNames(names.map((name) => name.trim()));
  const found = names.map(comparable);
  const mapping: Record<string, number> = {};
  for (const [column, rules] of Object.entries(target.columns.properties)) {
    const accepted = [column, ...(target.aliases[column] ?? [])].map(comparable);
    const name = accepted.find((candidate) => found.includes(candidate));
    if (name !== undefined) {
      mapping[column] = found.indexOf(name);
    } else if (!("default" in rules)) {
      const also = target.aliases[column]?.join(", ");
      throw invalidField(
        "file",
        `The header has no column "${column}"${also ? ` (or ${also})` : ""}. Found: ${header.join(", ").slice(0, 500)}.`,
      );
    }
  }
  return { header, mapping };
}

function comparable(name: string): string {
  return name.toLowerCase().replace(/[\s_-]/g, "");
}

/** Empty names become `column_N`, repeated ones get `_2`, `_3` and so on. */
export function uniqueNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name, index) => {
    const base = name || `column_${index + 1}`;
    let unique = base;
    for (let n = 2; taken.has(unique); n++) unique = `${base}_${n}`;
    taken.add(unique);
    return unique;
  });
}

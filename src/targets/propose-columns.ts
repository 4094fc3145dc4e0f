import type { Context } from "../context.ts";
import { DomainError } from "../errors.ts";
import { uniqueNames } from "../platform/csv/unique-names.ts";
import { matchHeader, resultColumnsAt } from "./match-header.ts";
import { bareName } from "./names.ts";
import { findRemembered, type Remembered } from "./remember-mapping.ts";
import type { Target } from "./target.ts";

export interface Proposal {
  readonly columns: readonly ProposedColumn[];
  /** The columns of the file that no column of the target gets. */
  readonly unknown: readonly string[];
  readonly remembered: Remembered | null;
}

interface ProposedColumn {
  readonly name: string;
  /** The column of the file; null: none. */
  readonly fileColumn: string | null;
  readonly source: "remembered" | "name" | "alias" | null;
}

/** Finds the columns of a target as an upload of such a file would, with the mapping that the user has sent last for it. */
export async function proposeColumns(
  ctx: Context,
  userId: number,
  target: Target,
  fileHeader: readonly string[],
): Promise<Proposal> {
  const resultsAt = resultColumnsAt(fileHeader);
  const names = resultsAt === -1 ? fileHeader : fileHeader.slice(0, resultsAt);
  const remembered = await findRemembered(ctx, userId, target.name, headerOf(names));
  return (remembered && propose(target, names, remembered)) ?? propose(target, names, null) ?? nothing(names);
}

/** The names that an upload gives to the columns of a file. */
function headerOf(names: readonly string[]): string[] {
  return uniqueNames(names.map((name) => name.trim()));
}

/** @returns null if the mapping does not fit the target any more */
function propose(target: Target, names: readonly string[], remembered: Remembered | null): Proposal | null {
  const requested = remembered?.mapping ?? {};
  try {
    const { header, mapping } = matchHeader(target, names, requested, { mayMiss: true });
    const chosen = new Set(Object.keys(requested));
    const sourceOf = (column: string, fileColumn: string) => {
      if (chosen.has(fileColumn)) return "remembered";
      return target.isOpen || bareName(fileColumn) === bareName(column) ? "name" : "alias";
    };
    const known = target.isOpen ? Object.keys(mapping) : Object.keys(target.columns.properties);
    const columns = known.map((name): ProposedColumn => {
      const fileColumn = header[mapping[name] ?? -1] ?? null;
      return { name, fileColumn, source: fileColumn === null ? null : sourceOf(name, fileColumn) };
    });
    const used = new Set(columns.map(({ fileColumn }) => fileColumn));
    return { columns, unknown: header.filter((name) => !used.has(name)), remembered };
  } catch (error) {
    if (error instanceof DomainError) return null;
    throw error;
  }
}

/** For an open target and a header without columns. */
function nothing(names: readonly string[]): Proposal {
  return { columns: [], unknown: headerOf(names), remembered: null };
}

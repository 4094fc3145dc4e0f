/** Which column of a file becomes which column of a target. */
import type { AnswerOf, OperationOf, Schemas } from "../../../client/operations.ts";

export type Target = Schemas["Target"];

/** By position in the file: the column of the target, or the new name in a target that takes any columns. null: left out. */
export type Mapping = readonly (string | null)[];

type Origin = "remembered" | "name" | "alias";

export interface Match {
  readonly mapping: Mapping;
  /** By position: why the column was matched. */
  readonly origins: readonly (Origin | null)[];
  /** Of the earlier import that is remembered. */
  readonly options: Readonly<Record<string, string>>;
}

export const NO_MATCH: Match = { mapping: [], origins: [], options: {} };

type Proposal = AnswerOf<OperationOf<"post", "/api/v1/targets/{name}/match">>;

/** @param names of the file, unique as in the proposal */
export function toMatch(names: readonly string[], { columns, remembered }: Proposal): Match {
  const found = new Map(columns.map((column) => [column.file_column, column]));
  const matched = names.map((name) => found.get(name));
  return {
    mapping: matched.map((column) => column?.name ?? null),
    origins: matched.map((column) => column?.source ?? null),
    options: remembered?.options ?? {},
  };
}

/** Gives a column of the target another column of the file. null: none. */
export function assign(mapping: Mapping, column: string, position: number | null): Mapping {
  return mapping.map((current, at) => (at === position ? column : current === column ? null : current));
}

/** Renames one column, or leaves it out. For targets that take any columns. */
export function rename(mapping: Mapping, position: number, name: string | null): Mapping {
  return mapping.map((current, at) => (at === position ? name : current));
}

export function missingColumns({ columns, open }: Target, mapping: Mapping): string[] {
  if (open) return [];
  return columns.filter(({ name, required }) => required && !mapping.includes(name)).map(({ name }) => name);
}

export function unmappedPositions(mapping: Mapping): number[] {
  return mapping.flatMap((column, at) => (column === null ? [at] : []));
}

export type NameProblem = "empty" | "repeated";

/** The problems of new names, by position. */
export function nameProblems(mapping: Mapping): ReadonlyMap<number, NameProblem> {
  const counts = Map.groupBy(
    mapping.flatMap((name, at) => (name === null ? [] : [{ name: name.trim(), at }])),
    ({ name }) => name,
  );
  const problems = new Map<number, NameProblem>();
  for (const [name, all] of counts) {
    for (const { at } of all) {
      if (name === "") problems.set(at, "empty");
      else if (all.length > 1) problems.set(at, "repeated");
    }
  }
  return problems;
}

export function isComplete(target: Target, mapping: Mapping): boolean {
  if (mapping.every((column) => column === null)) return false;
  return missingColumns(target, mapping).length === 0 && (!target.open || nameProblems(mapping).size === 0);
}

/**
 * The option `mapping` of an upload. undefined: the server finds the same columns without it.
 * @param names of the file
 */
export function mappingField(names: readonly string[], mapping: Mapping, match: Match): string | undefined {
  const isOwn =
    match.origins.includes("remembered") || mapping.some((column, at) => column !== match.mapping[at]);
  if (!isOwn) return undefined;
  // Columns that are not named here match by name.
  return JSON.stringify(Object.fromEntries(names.map((name, at) => [name, mapping[at]?.trim() ?? null])));
}

const SAMPLES = 3;

/** The first different values of a column. */
export function samplesOf(
  rows: readonly { readonly cells: readonly string[] }[],
  position: number,
): readonly string[] {
  const found = new Set<string>();
  for (const { cells } of rows) {
    const cell = cells[position]?.trim() ?? "";
    if (cell !== "") found.add(cell);
    if (found.size === SAMPLES) break;
  }
  return [...found];
}

const RESULT_COLUMNS = ["_row", "_status", "_error_code", "_error", "_id"];

/** The number of columns that the upload of a result file leaves out at the end of its header. */
export function countResultColumns(names: readonly string[]): number {
  const end = names.at(-1)?.toLowerCase() === "_extra" ? names.length - 1 : names.length;
  const start = end - RESULT_COLUMNS.length;
  const isResult = start > 0 && RESULT_COLUMNS.every((name, at) => names[start + at]?.toLowerCase() === name);
  return isResult ? names.length - start : 0;
}

/** Groups failed rows by cause: by rule and column. */
import type { RowError } from "../schema/batches.ts";
import type { StoredCause } from "../schema/chunk-causes.ts";

/** The rows that a group names. */
export const FIRST_ROWS = 5;

/** A row with more errors gets a map of them. */
const MAX_COMPARED = 8;

/** Failed rows with exactly the same errors. */
export interface FailedRows {
  readonly errors: readonly RowError[];
  readonly count: number;
  /** The first of these rows, in order. */
  readonly rows: readonly number[];
}

export interface CauseGroup extends StoredCause {
  /** The message of the first row; null: `StoredCause` has none. */
  readonly message: string | null;
}

interface OpenGroup {
  readonly code: string;
  readonly column: string | null;
  count: number;
  rows: readonly number[];
  message: string | null;
  /** The position among the causes of the first row. */
  position: number;
}

export class CauseGroups {
  /** By column and code: composing a key from both would take most of the time. */
  readonly #columns = new Map<string | null, Map<string, OpenGroup>>();
  #size = 0;
  readonly #maxGroups: number;
  /** The number of rows. */
  #failed = 0;
  /** The number of errors beyond the limit. */
  #ungrouped = 0;

  /** @param maxGroups beyond this number, errors are only counted. Add rows in their order to group those of the first rows. */
  constructor(maxGroups: number) {
    this.#maxGroups = maxGroups;
  }

  get failed(): number {
    return this.#failed;
  }

  get ungrouped(): number {
    return this.#ungrouped;
  }

  /** Adds rows. A row that breaks the same rule twice counts once, with its last message. */
  add({ errors, count, rows }: FailedRows): void {
    this.#failed += count;
    let position = 0;
    for (const error of distinctOf(errors)) this.#add(error, position++, count, rows);
  }

  addEach(failures: readonly { readonly row: number; readonly errors: readonly RowError[] }[]): void {
    for (const { row, errors } of failures) this.add({ errors, count: 1, rows: [row] });
  }

  /** Adds rows whose causes were counted before. */
  addStored(failed: number, causes: readonly StoredCause[]): void {
    this.#failed += failed;
    for (const [position, cause] of causes.entries()) this.#add(cause, position, cause.count, cause.rows);
  }

  #add(
    error: { readonly code: string; readonly column: string | null; readonly message?: string },
    position: number,
    count: number,
    rows: readonly number[],
  ): void {
    const { code, column, message = null } = error;
    const known = this.#columns.get(column)?.get(code);
    if (!known) {
      if (this.#size === this.#maxGroups) {
        this.#ungrouped += count;
        return;
      }
      const groups = this.#columns.get(column) ?? new Map<string, OpenGroup>();
      this.#columns.set(column, groups.set(code, { code, column, count, rows, message, position }));
      this.#size++;
      return;
    }
    known.count += count;
    if (isBefore(rows, known.rows)) Object.assign(known, { message, position });
    const last = known.rows[FIRST_ROWS - 1];
    if (last === undefined || isBefore(rows, [last])) known.rows = firstOf([...known.rows, ...rows]);
  }

  /** Returns the first rows of groups whose messages are not known. */
  rowsWithoutMessage(): number[] {
    const groups = this.#all().filter(({ message }) => message === null);
    return [...new Set(groups.flatMap(({ rows }) => rows.slice(0, 1)))];
  }

  /** Gives groups the messages of their first rows. */
  addMessages({ errors, rows }: FailedRows): void {
    for (const { code, column, message } of errors) {
      const group = this.#columns.get(column)?.get(code);
      if (group && group.rows[0] === rows[0]) group.message = message;
    }
  }

  /** Returns the groups in the order of their first rows. */
  list(): CauseGroup[] {
    return this.#all()
      .toSorted((a, b) => (a.rows[0] ?? 0) - (b.rows[0] ?? 0) || a.position - b.position)
      .map(({ position: _, ...group }) => group);
  }

  #all(): OpenGroup[] {
    return [...this.#columns.values()].flatMap((groups) => [...groups.values()]);
  }
}

/** Returns one error for each rule and column: the last one, in the place of the first one. */
function distinctOf(errors: readonly RowError[]): readonly RowError[] {
  const isRepeated = (error: RowError, at: number) =>
    errors.some((other, before) => before < at && other.code === error.code && other.column === error.column);
  if (errors.length === 1 || (errors.length <= MAX_COMPARED && !errors.some(isRepeated))) return errors;
  return [...new Map(errors.map((error) => [JSON.stringify([error.code, error.column]), error])).values()];
}

function isBefore([a = 0]: readonly number[], [b = 0]: readonly number[]): boolean {
  return a < b;
}

function firstOf(rows: readonly number[]): number[] {
  return rows.toSorted((a, b) => a - b).slice(0, FIRST_ROWS);
}

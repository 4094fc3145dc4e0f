/** Groups failed rows by cause: by rule and column. */
import type { RowError, StoredCause } from "../schema/batches.ts";

/** The rows that a group names. */
export const FIRST_ROWS = 5;

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
  readonly #groups = new Map<string, OpenGroup>();
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
    const distinct =
      errors.length === 1 ? errors : new Map(errors.map((error) => [keyOf(error), error])).values();
    let position = 0;
    for (const error of distinct) this.#add(error, position++, count, rows);
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
    const key = keyOf(error);
    const known = this.#groups.get(key);
    if (!known) {
      if (this.#groups.size < this.#maxGroups)
        this.#groups.set(key, { code, column, count, rows, message, position });
      else this.#ungrouped += count;
      return;
    }
    known.count += count;
    if (isBefore(rows, known.rows)) Object.assign(known, { message, position });
    const last = known.rows[FIRST_ROWS - 1];
    if (last === undefined || isBefore(rows, [last])) known.rows = firstOf([...known.rows, ...rows]);
  }

  /** Returns the first rows of groups whose messages are not known. */
  rowsWithoutMessage(): number[] {
    const groups = [...this.#groups.values()].filter(({ message }) => message === null);
    return [...new Set(groups.flatMap(({ rows }) => rows.slice(0, 1)))];
  }

  /** Gives groups the messages of their first rows. */
  addMessages({ errors, rows }: FailedRows): void {
    for (const error of errors) {
      const group = this.#groups.get(keyOf(error));
      if (group && group.rows[0] === rows[0]) group.message = error.message;
    }
  }

  /** Returns the groups in the order of their first rows. */
  list(): CauseGroup[] {
    return [...this.#groups.values()]
      .toSorted((a, b) => (a.rows[0] ?? 0) - (b.rows[0] ?? 0) || a.position - b.position)
      .map(({ position: _, ...group }) => group);
  }
}

/** Two causes never have the same key: the length says where the code ends. */
function keyOf({ code, column }: Pick<RowError, "code" | "column">): string {
  return `${code.length}:${code}${column === null ? "" : `/${column}`}`;
}

function isBefore([a = 0]: readonly number[], [b = 0]: readonly number[]): boolean {
  return a < b;
}

function firstOf(rows: readonly number[]): number[] {
  return rows.toSorted((a, b) => a - b).slice(0, FIRST_ROWS);
}

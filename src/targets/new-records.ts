/** The part of a target that creates the records of a whole chunk with few statements, and keeps no object per row meanwhile. */
import type { Tx } from "../context.ts";

/** The rows of a chunk for which records are to be created. */
export interface NewRecords {
  /** Leaves the row out if the check of the target refuses it: `write` says why. */
  add(row: number, fields: readonly string[]): void;
  /**
   * Creates the records of all rows that were added.
   * @returns null: nothing was written, because `write` may have to do something else with one of the rows
   * @throws if a record was not created; the caller rolls back, and gives all rows to `write`
   */
  create(tx: Tx): Promise<CreatedRecords | null>;
}

export interface CreatedRecords {
  readonly rows: readonly number[];
  /** The `recordKey` and the `recordVersion` of each row, on lines of their own; null: the records have none. */
  readonly identities: { readonly keys: string; readonly versions: string } | null;
}
